#include "daemon/state.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "daemon/generations.h"
#include "daemon/intake.h"
#include "daemon/sockets.h"
#include "support/child.h"
#include "support/folder.h"
#include "support/log_of_lines.h"
#include "support/loopback.h"
#include "support/state_bytes.h"
#include "support/zygotes.h"
#include "sys/file.h"
#include "sys/process.h"

namespace portsplit::daemon {
namespace {

using Descriptors = StateReader::Descriptors;

constexpr sys::Clock::time_point kNow{std::chrono::hours(3)};

core::IpAddress ip(const std::string& text) { return *core::IpAddress::parse(text); }

TEST(StateReader, ReadsWhatWasWritten) {
    StateWriter writer;
    writer.number(7);
    writer.text("text");
    writer.text("");
    writer.time(kNow);
    writer.time(sys::Clock::time_point::max());
    writer.address(ip("192.0.2.1"));
    writer.optional_address(ip("2001:db8::1"));
    writer.optional_address(std::nullopt);
    writer.plain(std::uint16_t{99});
    writer.descriptor(-1);
    const std::string bytes = writer.finish();
    StateReader reader(bytes, Descriptors::Take);
    EXPECT_EQ(reader.number(7), 7U);
    EXPECT_EQ(reader.text(), "text");
    EXPECT_EQ(reader.text(), "");
    EXPECT_EQ(reader.time(), kNow);
    EXPECT_EQ(reader.time(), sys::Clock::time_point::max());
    EXPECT_EQ(reader.address(), ip("192.0.2.1"));
    EXPECT_EQ(reader.optional_address(), ip("2001:db8::1"));
    EXPECT_EQ(reader.optional_address(), std::nullopt);
    EXPECT_FALSE(reader.is_done());
    EXPECT_EQ(reader.plain<std::uint16_t>(), 99);
    EXPECT_FALSE(reader.descriptor());
    EXPECT_TRUE(reader.is_done());
    EXPECT_EQ(reader.number(), 0U);
    EXPECT_FALSE(reader.is_good());
}

TEST(StateReader, RefusesEveryCutAndEveryChangedByte) {
    StateWriter writer;
    writer.text("some text");
    writer.number(5);
    const std::string bytes = writer.finish();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(StateReader(bytes.substr(0, size), Descriptors::Take).is_good()) << size;
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (int change = 1; change < 256; ++change) {
            std::string changed = bytes;
            changed[at] = static_cast<char>(changed[at] ^ change);
            EXPECT_FALSE(StateReader(changed, Descriptors::Take).is_good()) << at;
        }
    }
}

TEST(StateReader, RefusesWhatCannotBe) {
    StateWriter writer;
    for (int i = 0; i < 3; ++i) writer.number(2);
    const std::string bytes = writer.finish();
    StateReader number(bytes, Descriptors::Leave);
    EXPECT_EQ(number.number(1), 0U);
    EXPECT_FALSE(number.is_good());
    StateReader flag(bytes, Descriptors::Leave);
    EXPECT_FALSE(flag.flag());
    EXPECT_FALSE(flag.is_good());
    StateReader count(bytes, Descriptors::Leave);
    EXPECT_EQ(count.count(), 2U);
    count.number();
    EXPECT_EQ(count.count(), 0U) << "nothing is left for two items";
    EXPECT_FALSE(count.is_good());
    StateReader address(bytes, Descriptors::Leave);
    (void)address.address();
    EXPECT_FALSE(address.is_good());
}

TEST(StateReader, TakesADescriptorOnceAndMakesItCloseOnExec) {
    const int fd = ::open("/dev/null", O_RDONLY);
    ASSERT_GT(fd, 2);
    StateWriter writer;
    writer.descriptor(fd);
    writer.descriptor(fd);
    EXPECT_THAT(writer.descriptors(), testing::ElementsAre(fd, fd));
    const std::string bytes = writer.finish();
    {
        StateReader left(bytes, Descriptors::Leave);
        EXPECT_FALSE(left.descriptor());
        EXPECT_TRUE(left.is_good());
    }
    EXPECT_EQ(::fcntl(fd, F_GETFD), 0);
    StateReader reader(bytes, Descriptors::Take);
    const sys::UniqueFd taken = reader.descriptor();
    EXPECT_EQ(taken.get(), fd);
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_FALSE(reader.descriptor());
    EXPECT_FALSE(reader.is_good());
}

TEST(StateReader, RefusesStandardDescriptorsAndThoseThatAreNotOpen) {
    for (const std::uint64_t number : {0ULL, 2ULL, 1'000'000ULL, 1ULL << 31, ~1ULL}) {
        StateWriter writer;
        writer.number(number);
        const std::string bytes = writer.finish();
        StateReader reader(bytes, Descriptors::Take);
        EXPECT_FALSE(reader.descriptor()) << number;
        EXPECT_FALSE(reader.is_good()) << number;
    }
}

/// Appends a part, and calls `check` in a child with what it took, which owns the descriptors there.
template <typename Part>
int in_successor(const Part& part, Part& next, const std::function<bool(Part&)>& check) {
    StateWriter writer;
    part.append_to(writer);
    const std::string bytes = writer.finish();
    loopback::Child child([&] {
        StateReader reader(bytes, Descriptors::Take);
        next.take_from(reader);
        return reader.is_done() && check(next) ? 0 : 1;
    });
    return child.status();
}

TEST(SocketsState, IsTheSameAfterAnUpgrade) {
    Folder folder;
    const std::string path = folder / "socket";
    core::Config config;
    config.top.bind = {{"127.0.0.1", 0}, {core::Text("unix:" + path), 0}};
    ListeningSockets before;
    ASSERT_TRUE(before.adopt(loopback::listener_on("127.0.0.1"), "passed"));
    auto opened = before.open_missing(config);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(before.change_to(config, std::move(opened->sockets)).empty());
    ListeningSockets after;
    EXPECT_EQ(in_successor<ListeningSockets>(
                  before, after,
                  [&](ListeningSockets& next) {
                      auto missing = next.open_missing(config);
                      const bool is_same = next.text() == before.text() && next.has_passed() &&
                                           next.all()[0].name == "passed" &&
                                           next.all()[1].bound.port() != 0 && next.all()[2].file &&
                                           missing && missing->sockets.empty() &&
                                           next.text_for(config, {}) == before.text_for(config, {});
                      return is_same && next.change_to(config, {}).empty();
                  }),
              0);
    EXPECT_EQ(::access(path.c_str(), F_OK), 0) << "the child ended without closing them";
}

TEST(SocketsState, LeavesFilesAloneWhenDescriptorsAreLeft) {
    Folder folder;
    core::Config config;
    config.top.bind = {{core::Text("unix:" + (folder / "socket")), 0}};
    ListeningSockets before;
    auto opened = before.open_missing(config);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(before.change_to(config, std::move(opened->sockets)).empty());
    const std::string bytes = bytes_of(before);
    std::mt19937 random(3);
    for (std::size_t at = 0; at < bytes.size() - 8; ++at) {
        const std::string changed = with_changed(bytes, at, random());
        StateReader reader(changed, Descriptors::Leave);
        ListeningSockets after;
        after.take_from(reader);
    }
    EXPECT_EQ(::access((folder / "socket").c_str(), F_OK), 0);
}

/// Returns true if generations have one connection in each of two zygotes, and the one of the current zygote, which
/// nobody has taken, comes back when that ends.
bool have_two(Generations& generations, pid_t pid) {
    const Generation* current = generations.current();
    if (current == nullptr || current->pid() != pid || !current->ids().contains(2)) return false;
    if (current->stall_due() == sys::Clock::time_point::max()) return false;
    if (generations.connections() != 2 || generations.children() != 2) return false;
    if (generations.on_child_end({pid, SIGKILL}) != Generations::End::Current) return false;
    const auto untaken = generations.take_untaken();
    return untaken.size() == 1 && untaken[0].message.id == 2 && untaken[0].client;
}

TEST(GenerationsState, IsTheSameAfterAnUpgrade) {
    sys::adopt_orphans();
    Accounts accounts;
    Generations before(accounts);
    LogOfLines log;
    pid_t current = 0;
    for (const std::uint64_t id : {1U, 2U}) {
        Facts facts;
        facts.services = {{"ssh", 6, 2}};
        auto generation =
            Generation::start(fake_zygote("ready"), echo_memory().get(), "", facts, log.log());
        ASSERT_TRUE(generation);
        current = generation->pid();
        Delivery delivery;
        delivery.message.id = id;
        delivery.client.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        ASSERT_TRUE(generation->hand_over(delivery, Generation::Wait::Never));
        before.add_starting(*std::move(generation));
        before.promote_starting();
    }
    Generations after(accounts);
    const auto check = [&](Generations& next) { return have_two(next, current); };
    EXPECT_EQ(in_successor<Generations>(before, after, check), 0);
    before.retire();
    expect_no_child_left();
}

TEST(GenerationsState, RefusesAPidThatIsNoChild) {
    for (const std::uint64_t pid : {0ULL, 1ULL, 1ULL << 31, ~0ULL}) {
        StateWriter writer;
        writer.number(0);
        writer.number(1);
        writer.number(pid);
        for (int i = 0; i < 3; ++i) writer.descriptor(-1);
        for (int i = 0; i < 6; ++i) writer.number(0);
        const std::string bytes = writer.finish();
        StateReader reader(bytes, Descriptors::Leave);
        Accounts accounts;
        Generations generations(accounts);
        generations.take_from(reader);
        EXPECT_FALSE(reader.is_good()) << pid;
    }
}

/// An intake without a zygote.
struct AloneIntake {
    Accounts accounts{};
    Generations generations{accounts};
    LogOfLines log{};
    Intake intake{generations, accounts, log.log()};

    void use(const core::Config& config) {
        intake.use(std::make_shared<Facts>(Facts{config, std::nullopt}));
    }
    void append_to(StateWriter& state) const { intake.append_to(state); }
    void take_from(StateReader& state) { intake.take_from(state); }
};

TEST(IntakeState, KeepsTheConnectionsThatWait) {
    core::Config config;
    config.listeners = {{.name = "one"}, {.name = "two"}};
    AloneIntake before;
    before.use(config);
    std::vector<Delivery> waiting(3);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        waiting[i].message.id = i + 5;
        waiting[i].message.arrival.listener = i % 2;
        waiting[i].message.arrival.ends.peer = *sys::Address::from({"192.0.2.1", 1});
        waiting[i].message.arrival.ends.local = *sys::Address::from({"192.0.2.2", 2});
        waiting[i].client.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    before.intake.put_back(std::move(waiting));
    AloneIntake after;
    after.use(config);
    const std::string bytes = bytes_of(before);
    EXPECT_EQ(in_successor<AloneIntake>(before, after,
                                        [&](AloneIntake& next) { return bytes_of(next) == bytes; }),
              0);
    std::mt19937 random(3);
    for (std::size_t at = 0; at < bytes.size() - 8; ++at) {
        const std::string changed = with_changed(bytes, at, random());
        StateReader reader(changed, Descriptors::Leave);
        AloneIntake hostile;
        hostile.use(config);
        hostile.intake.take_from(reader);
    }
    // A listener that the configuration does not have would be an index out of its range.
    config.listeners.clear();
    AloneIntake fewer;
    fewer.use(config);
    StateReader reader(bytes, Descriptors::Leave);
    fewer.intake.take_from(reader);
    EXPECT_FALSE(reader.is_good());
}

}  // namespace
}  // namespace portsplit::daemon
