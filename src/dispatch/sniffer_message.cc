#include "dispatch/sniffer_message.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/passed_fields.h"
#include "core/proxy_header.h"

namespace portsplit::dispatch {
namespace {

using core::IpAddress;
using core::ProxyEnds;

class Packer {
  public:
    void add(std::uint64_t number) {
        bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    void add_text(std::string_view text) {
        add(text.size());
        bytes_ += text;
    }
    void add(const IpAddress& address) {
        const auto bytes = address.bytes();
        add_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    /// @returns false for an error, which is added
    template <typename T>
    bool add_error(const sys::Result<T>& result) {
        add(result ? 0 : static_cast<std::uint64_t>(result.error().code));
        return result.ok();
    }
    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

/// Reads what a Packer wrote. After bytes that do not fit, everything that it reads is empty.
class Unpacker {
  public:
    explicit Unpacker(core::Bytes bytes)
        : rest_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

    /// @returns 0 if the number is larger
    std::uint64_t take_number(std::uint64_t largest) {
        std::uint64_t number = 0;
        const std::string_view bytes = take_bytes(sizeof number);
        if (fits_) std::memcpy(&number, bytes.data(), sizeof number);
        fits_ = fits_ && number <= largest;
        return fits_ ? number : 0;
    }
    std::string_view take_text(std::size_t longest) { return take_bytes(take_number(longest)); }
    IpAddress take_address() {
        const std::string_view bytes = take_text(16);
        fits_ = fits_ && (bytes.size() == 4 || bytes.size() == 16);
        if (!fits_) return {};
        return IpAddress::from_bytes(
            {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    }
    bool is_whole() const { return fits_ && rest_.empty(); }
    bool fits() const { return fits_; }

  private:
    std::string_view take_bytes(std::uint64_t size) {
        fits_ = fits_ && size <= rest_.size();
        if (!fits_) return {};
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
    bool fits_ = true;
};

constexpr std::uint64_t kLargestError = 4095;  // of errno, errno(3)

void add(Packer& packer, const ProxyEnds& ends) {
    packer.add(static_cast<std::uint64_t>(ends.kind));
    packer.add(ends.client);
    packer.add(ends.server);
    packer.add(std::uint64_t{ends.client_port});
    packer.add(std::uint64_t{ends.server_port});
    packer.add_text(ends.client_path);
    packer.add_text(ends.server_path);
}

ProxyEnds take_ends(Unpacker& unpacker) {
    ProxyEnds ends;
    constexpr auto kLast = static_cast<std::uint64_t>(ProxyEnds::Kind::Unix);
    ends.kind = static_cast<ProxyEnds::Kind>(unpacker.take_number(kLast));
    ends.client = unpacker.take_address();
    ends.server = unpacker.take_address();
    ends.client_port = static_cast<std::uint16_t>(unpacker.take_number(0xFFFF));
    ends.server_port = static_cast<std::uint16_t>(unpacker.take_number(0xFFFF));
    ends.client_path = unpacker.take_text(ProxyEnds::kLongestPath);
    ends.server_path = unpacker.take_text(ProxyEnds::kLongestPath);
    return ends;
}

/// A service, or none: numbers that begin at 1, and 0.
void add(Packer& packer, std::optional<std::size_t> service) {
    packer.add(service ? std::uint64_t{*service} + 1 : 0);
}

std::optional<std::size_t> take_service(Unpacker& unpacker, const core::Plan& plan) {
    const std::uint64_t number = unpacker.take_number(plan.config().services.size());
    if (number == 0) return std::nullopt;
    return static_cast<std::size_t>(number - 1);
}

sys::SysError error_of(std::uint64_t code) {
    return {static_cast<int>(code), "cannot look at a client"};
}

/// Returns true if the client may have a service for this reason.
bool may_have(const core::Plan& plan, const core::Entrance& entrance,
              const core::Verdict& verdict) {
    const core::Plan::Reading reading(plan, entrance);
    switch (verdict.reason) {
        case core::Reason::Match:
            return verdict.service && plan.service(*verdict.service).has_patterns() &&
                   plan.asks(entrance, *verdict.service);
        case core::Reason::Fallback:
            return verdict.service == reading.last_resorts().fallback;
        case core::Reason::Timeout:
            return verdict.service == reading.last_resorts().timeout || !verdict.service;
        case core::Reason::Eof:
            return !verdict.service;
        case core::Reason::Denied:
            return !verdict.service && !reading.is_admitted();
        case core::Reason::Proxy:
        case core::Reason::Limit:
            break;
    }
    return false;
}

void take_variables(Unpacker& unpacker, const std::vector<std::string>& names,
                    core::Passed& passed) {
    for (const std::string& name : names) {
        auto& variable = passed.variables.emplace_back();
        variable.name = name;
        if (unpacker.take_number(1) == 0) continue;
        variable.value = unpacker.take_text(core::kLongestPassed);
    }
}

/// Takes the fields for a target: of the types that its service names, each at most as often.
bool take_tlvs(Unpacker& unpacker, const std::vector<std::uint8_t>& types, core::Passed& passed) {
    auto next = types.begin();
    for (std::uint64_t count = unpacker.take_number(types.size()); count > 0; --count) {
        const auto type = static_cast<std::uint8_t>(unpacker.take_number(0xFF));
        next = std::find(next, types.end(), type);
        if (next == types.end()) return false;
        ++next;
        passed.tlvs.push_back({type, std::string(unpacker.take_text(core::kLongestPassed))});
    }
    return true;
}

bool are_passed_texts(const std::vector<core::Passed::Variable>& variables) {
    return std::ranges::all_of(variables, [](const core::Passed::Variable& variable) {
        return !variable.value || core::is_passed_text(*variable.value);
    });
}

}  // namespace

std::string pack(const sys::Result<HeaderRead>& header) {
    Packer packer;
    if (!packer.add_error(header)) return packer.take();
    packer.add(static_cast<std::uint64_t>(header->fault));
    packer.add(header->ends ? 1 : 0);
    if (header->ends) add(packer, *header->ends);
    return packer.take();
}

std::optional<sys::Result<HeaderRead>> unpack_header(core::Bytes bytes) {
    Unpacker unpacker(bytes);
    if (const std::uint64_t code = unpacker.take_number(kLargestError); code != 0) {
        return error_of(code);
    }
    HeaderRead header;
    constexpr auto kLast = static_cast<std::uint64_t>(core::ProxyFault::Late);
    header.fault = static_cast<core::ProxyFault>(unpacker.take_number(kLast));
    if (unpacker.take_number(1) == 1) header.ends = take_ends(unpacker);
    if (!unpacker.is_whole()) return std::nullopt;
    return header;
}

std::string pack(const sys::Result<Looked>& looked) {
    Packer packer;
    if (!packer.add_error(looked)) return packer.take();
    const auto& [verdict, passed] = looked->decided;
    packer.add(static_cast<std::uint64_t>(verdict.reason));
    add(packer, verdict.service);
    add(packer, verdict.gave_up);
    packer.add_text(passed.log);
    for (const core::Passed::Variable& variable : passed.variables) {
        packer.add(variable.value ? 1 : 0);
        if (variable.value) packer.add_text(*variable.value);
    }
    packer.add(passed.tlvs.size());
    for (const core::ProxyTlv& tlv : passed.tlvs) {
        packer.add(std::uint64_t{tlv.type});
        packer.add_text(tlv.value);
    }
    packer.add_text({reinterpret_cast<const char*>(looked->ahead.data()), looked->ahead.size()});
    return packer.take();
}

std::optional<sys::Result<Looked>> unpack_looked(core::Bytes bytes, const core::Plan& plan,
                                                 const core::Entrance& entrance) {
    Unpacker unpacker(bytes);
    if (const std::uint64_t code = unpacker.take_number(kLargestError); code != 0) {
        return error_of(code);
    }
    Looked looked;
    auto& [verdict, passed] = looked.decided;
    constexpr auto kLast = static_cast<std::uint64_t>(core::Reason::Limit);
    verdict.reason = static_cast<core::Reason>(unpacker.take_number(kLast));
    verdict.service = take_service(unpacker, plan);
    verdict.gave_up = take_service(unpacker, plan);
    passed.log = unpacker.take_text(core::kLongestLogged);
    const core::Service* service = verdict.service ? &plan.service(*verdict.service) : nullptr;
    std::vector<std::string> names;
    std::vector<std::uint8_t> types;
    if (service != nullptr) {
        names = core::variables_for_fields(*service);
        types = core::tlvs_for_fields(*service);
    }
    take_variables(unpacker, names, passed);
    if (!take_tlvs(unpacker, types, passed)) return std::nullopt;
    const std::string_view ahead = unpacker.take_text(plan.window());
    const core::Bytes read = core::as_bytes(ahead);
    looked.ahead.assign(read.begin(), read.end());
    const bool is_valid = unpacker.is_whole() && may_have(plan, entrance, verdict) &&
                          core::is_logged_text(passed.log, plan.config(), service) &&
                          are_passed_texts(passed.variables);
    if (!is_valid) return std::nullopt;
    return looked;
}

}  // namespace portsplit::dispatch
