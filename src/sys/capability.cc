#include "sys/capability.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace portsplit::sys {
namespace {

/// The sets of this process, in the form of capset(2): two numbers of 32 bits for each.
class Sets {
  public:
    /// @returns false if they cannot be read
    bool read() { return ::syscall(SYS_capget, &head_, data_.data()) == 0; }
    bool write() { return ::syscall(SYS_capset, &head_, data_.data()) == 0; }
    /// As `write`, where these sets have less than the process.
    /// @returns false if the process may keep what it must not have. What is inheritable alone is of no use to a process
    ///          that executes nothing with capabilities of its own; a service manager may forbid to change it
    ///          (systemd.exec(5) SystemCallFilter)
    bool write_less() {
        Sets now;
        if (!now.read()) return false;
        const bool is_same = std::memcmp(now.data_.data(), data_.data(), sizeof data_) == 0;
        return is_same || write() || !now.exceeds(*this);
    }

    /// Leaves CAP_NET_RAW, of what is permitted, and nothing else.
    void keep_net_raw() {
        for (__user_cap_data_struct& part : data_) part = {0, 0, 0};
        data_[0] = {kNetRaw, kNetRaw, kNetRaw};
    }
    /// Leaves what is permitted, and nothing but CAP_NET_RAW inheritable.
    /// @returns true if that changes something
    bool limit_inheritable() {
        const bool is_less = (data_[0].inheritable & ~kNetRaw) != 0 || data_[1].inheritable != 0;
        data_[0].inheritable &= kNetRaw;
        data_[1].inheritable = 0;
        return is_less;
    }
    bool has(Capability capability) const {
        return (data_[word_of(capability)].effective & bit_of(capability)) != 0;
    }
    /// Makes those effective that are permitted, and of these only the named ones.
    void use_only(const std::vector<Capability>& used) {
        for (std::size_t i = 0; i < data_.size(); ++i) {
            data_[i].effective = data_[i].permitted & bits_of(used, i);
        }
    }
    void use_all() {
        for (__user_cap_data_struct& part : data_) part.effective = part.permitted;
    }
    /// Leaves the named ones of those that are permitted, and nothing that is inherited.
    void leave_only(const std::vector<Capability>& kept) {
        for (std::size_t i = 0; i < data_.size(); ++i) {
            const std::uint32_t bits = data_[i].permitted & bits_of(kept, i);
            data_[i] = {bits, bits, 0};
        }
    }
    void remove_net_raw() {
        for (std::uint32_t* set :
             {&data_[0].effective, &data_[0].permitted, &data_[0].inheritable}) {
            *set &= ~kNetRaw;
        }
    }

  private:
    /// Returns true if something is permitted, and so perhaps effective, that is not in the other.
    bool exceeds(const Sets& other) const {
        return (data_[0].permitted & ~other.data_[0].permitted) != 0 ||
               (data_[1].permitted & ~other.data_[1].permitted) != 0;
    }

    static constexpr std::uint32_t kNetRaw = 1U << CAP_NET_RAW;
    static std::size_t word_of(Capability capability) {
        return static_cast<std::size_t>(capability) / 32;
    }
    static std::uint32_t bit_of(Capability capability) {
        return 1U << (static_cast<unsigned>(capability) % 32);
    }
    static std::uint32_t bits_of(const std::vector<Capability>& capabilities, std::size_t word) {
        std::uint32_t bits = 0;
        for (const Capability capability : capabilities) {
            if (word_of(capability) == word) bits |= bit_of(capability);
        }
        return bits;
    }

    __user_cap_header_struct head_{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data_{};
};

}  // namespace

bool has_capability(Capability capability) {
    Sets sets;
    return sets.read() && sets.has(capability);
}

bool passes_on(Capability capability) {
    if (::geteuid() != 0) return has_capability(capability);
    return ::prctl(PR_CAPBSET_READ, static_cast<int>(capability), 0, 0, 0) == 1;
}

Result<Done> leave_only(const std::vector<Capability>& kept) {
    Sets sets;
    if (!sets.read()) return SysError{errno, "cannot read the capabilities of this process"};
    sets.leave_only(kept);
    if (sets.write_less()) return Done{};
    return SysError{errno, "cannot give up the capabilities of this process"};
}

Result<Done> use_only(const std::vector<Capability>& used) {
    Sets sets;
    if (!sets.read()) return SysError{errno, "cannot read the capabilities of this process"};
    sets.use_only(used);
    if (sets.write()) return Done{};
    return SysError{errno, "cannot put the capabilities of this process aside"};
}

std::vector<Capability> used_capabilities() {
    std::vector<Capability> used;
    Sets sets;
    if (!sets.read()) return used;
    for (int number = 0; number <= CAP_LAST_CAP; ++number) {
        const auto capability = static_cast<Capability>(number);
        if (sets.has(capability)) used.push_back(capability);
    }
    return used;
}

Result<Done> use_all() {
    Sets sets;
    if (!sets.read()) return SysError{errno, "cannot read the capabilities of this process"};
    sets.use_all();
    if (sets.write()) return Done{};
    return SysError{errno, "cannot use the capabilities of this process"};
}

void limit_inherited() {
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        if (capability != CAP_NET_RAW) {
            ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, capability, 0, 0);
        }
    }
    // A service manager may forbid this (systemd.exec(5) SystemCallFilter). Then a program that has capabilities of its
    // own, in its file, could have those of them that were meant for the daemon.
    Sets sets;
    if (sets.read() && sets.limit_inheritable()) (void)sets.write();
}

Result<Done> leave_none(Except except) {
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        // Only a process with CAP_SETPCAP can; others execute nothing that would gain one by it.
        ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    if (except == Except::NetRaw) return leave_only({Capability::NetRaw});
    return leave_only({});
}

bool passes_on_net_raw() {
    if (::geteuid() == 0) return passes_on(Capability::NetRaw);
    return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0) == 1;
}

void keep_capabilities() { ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); }

Result<Done> leave_net_raw() {
    Sets sets;
    sets.keep_net_raw();
    const bool is_left =
        sets.write() && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0;
    if (!is_left) return SysError{errno, "cannot keep CAP_NET_RAW for a transparent service"};
    return Done{};
}

void drop_net_raw(bool has_programs) {
    if (has_programs && ::geteuid() == 0) return;
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_NET_RAW, 0, 0);
    Sets sets;
    if (!sets.read()) return;
    sets.remove_net_raw();
    (void)sets.write();
}

}  // namespace portsplit::sys
