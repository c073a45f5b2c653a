#include "config/limits.h"

#include <gmock/gmock.h>

#include <string>

#include "config/classic.h"
#include "config/libconfig.h"
#include "config/value.h"
#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;
using Cause = core::Penalty::Cause;

const Key& penalty_of(Place section) { return *find_key(kPenalty, section); }

core::Result<core::Rate, Problem> rate(std::string_view text) {
    return parse<core::Rate>(*find_key("rate-source"), text);
}

TEST(ParseRate, ReadsWhatIsPrinted) {
    for (const core::Rate& it : {core::Rate{}, {1, 1}, {20, 10}, {1'000'000, 3600}}) {
        EXPECT_EQ(*rate(print(it)), it) << print(it);
    }
    EXPECT_EQ(print(core::Rate{20, 10}), "20/10");
    EXPECT_EQ(print(core::Rate{}), "0");
}

TEST(ParseRate, ReportsWhatToWrite) {
    const std::string form =
        "not COUNT/SECONDS; write one such as 20/10, 20 connections in any 10 seconds, or 0 for no "
        "limit";
    struct Case {
        const char* text;
        std::string problem;
    };
    const Case cases[] = {
        {"", form},
        {"none", form},
        {"/", form},
        {"20/", form},
        {"/10", form},
        {"20/10/5", form},
        {"-1/10", form},
        {"2.5/10", form},
        {"20/2.5s", form},
        {"20/500ms", form},
        {"20/2h", form},
        {"20 per", form},
        {"20 times per hour", form},
        {"1000001/s", form},
        {"1000001", form},
        {"20", "no time; write 20/SECONDS, such as 20/10"},
        {"20/s", "not COUNT/SECONDS; write 20/1"},
        {"20r/s", "not COUNT/SECONDS; write 20/1"},
        {"20/10s", "not COUNT/SECONDS; write 20/10"},
        {"20/min", "not COUNT/SECONDS; write 20/60"},
        {"20 per second", "not COUNT/SECONDS; write 20/1"},
        {"20 per 5 minutes", "not COUNT/SECONDS; write 20/300"},
        {"20 / 10", "not COUNT/SECONDS; write 20/10"},
        {"0/10", "0 is not a number of connections from 1 to 1000000; write 0 for no limit"},
        {"1000001/10", "1000001 is not a number of connections from 1 to 1000000"},
        {"99999999999999999999/10",
         "99999999999999999999 is not a number of connections from 1 to 1000000"},
        {"20/0", "0 is not a whole number of seconds from 1 to 3600"},
        {"20/3601", "3601 is not a whole number of seconds from 1 to 3600"},
    };
    for (const Case& c : cases) {
        const auto read = rate(c.text);
        ASSERT_FALSE(read) << c.text;
        EXPECT_EQ(read.error().text, c.problem) << c.text;
    }
}

TEST(ParsePenalty, ReadsWhatIsPrinted) {
    const core::Penalty of_listener[] = {
        {Cause::Undecided, 0, 0}, {Cause::Crash, 0, 60}, {Cause::Rate, 0, 600}};
    for (const core::Penalty& it : of_listener) {
        for (const Place place : {Place::Global, Place::Listener}) {
            EXPECT_EQ(*parse<core::Penalty>(penalty_of(place), print(it)), it) << print(it);
        }
    }
    const core::Penalty of_service[] = {
        {Cause::Exit, 0, 10}, {Cause::Exit, 255, 600}, {Cause::Signal, 0, 0}};
    for (const core::Penalty& it : of_service) {
        EXPECT_EQ(*parse<core::Penalty>(penalty_of(Place::Service), print(it)), it) << print(it);
    }
    EXPECT_EQ(print(core::Penalty{Cause::Exit, 5, 10}), "exit:5 10");
    EXPECT_EQ(*parse<core::Penalty>(penalty_of(Place::Global), " crash \t 60 "),
              (core::Penalty{Cause::Crash, 0, 60}));
}

TEST(ParsePenalty, ReportsWhatToWrite) {
    const std::string range = "a whole number of seconds from 0 to 600";
    const std::string of_service =
        " is a cause in a service that has exec; write undecided, crash or rate here";
    const std::string of_listener =
        " is a cause above the services and in a listener; write exit:CODE or signal here";
    struct Case {
        Place place;
        const char* text;
        std::string problem;
    };
    const Case cases[] = {
        {Place::Global, "", "empty; write a cause and seconds, such as crash 60"},
        {Place::Service, " ", "empty; write a cause and seconds, such as exit:5 10"},
        {Place::Global, "crash", "no seconds; write " + range + ", such as crash 60"},
        {Place::Service, "exit:5", "no seconds; write " + range + ", such as exit:5 60"},
        {Place::Global, "crash 601", "601 is not " + range},
        {Place::Global, "crash -1", "-1 is not " + range},
        {Place::Global, "crash 1.5", "1.5 is not " + range},
        {Place::Global, "crash 60 s", "60 s is not " + range + "; write crash 60"},
        {Place::Service, "exit:5 2m", "2m is not " + range + "; write exit:5 120"},
        {Place::Service, "signal 1h", "1h is not " + range},
        {Place::Service, "signal KILL", "KILL is not " + range},
        {Place::Global, "crash:60", "crash has nothing behind it but the seconds; write crash 60"},
        {Place::Service, "signal:9 5",
         "signal has nothing behind it but the seconds; write signal 60"},
        {Place::Service, "exit 10", "exit needs a code; write one such as exit:5 10"},
        {Place::Service, "exit: 10",
         "nothing is no exit code; write a number from 0 to 255, such as exit:5 10"},
        {Place::Service, "exit:256 10",
         "256 is no exit code; write a number from 0 to 255, such as exit:5 10"},
        {Place::Service, "exit:* 10",
         "* is no exit code; write a number from 0 to 255, such as exit:5 10"},
        {Place::Listener, "exit:5 10", "exit" + of_service},
        {Place::Global, "signal 10", "signal" + of_service},
        {Place::Service, "undecided 10", "undecided" + of_listener},
        {Place::Service, "crash 10", "crash" + of_listener},
        {Place::Service, "rate 10", "rate" + of_listener},
        {Place::Global, "60 crash", "the cause comes first; write crash 60"},
        {Place::Global, "crashed 60", "crashed is no cause; did you mean crash?"},
        {Place::Global, "Crash 60", "Crash is no cause; did you mean crash?"},
        {Place::Global, "60",
         "60 is no cause; write undecided, crash or rate, and the seconds, such as crash 60"},
        {Place::Service, "authfail 60",
         "authfail is no cause; write exit:CODE or signal, and the seconds, such as exit:5 10"},
    };
    for (const Case& c : cases) {
        const auto read = parse<core::Penalty>(penalty_of(c.place), c.text);
        ASSERT_FALSE(read) << c.text;
        EXPECT_EQ(read.error().text, c.problem) << c.text;
    }
}

TEST(Limits, AreReadInBothSpellings) {
    const std::string classic =
        "bind           = *:1\n"
        "maxconn        = 100\n"
        "maxconn-source = 9\n"
        "maxundecided   = 50\n"
        "rate-source    = 20/10\n"
        "penalty        = crash 30\n"
        "penalty        = undecided 5\n"
        "\n"
        "[listener inside]\n"
        "bind           = *:2\n"
        "maxconn-source = 0\n"
        "rate-source    = 0\n"
        "penalty        = rate 7\n"
        "\n"
        "[s]\n"
        "string         = a\n"
        "maxconn        = 20\n"
        "maxconn-source = 2\n"
        "exec           = a\n"
        "penalty        = exit:5 10\n"
        "penalty        = exit:3 10\n"
        "penalty        = signal 60\n";
    const Loaded loaded = read(classic, "f", Need::Listeners);
    EXPECT_THAT(texts_of(loaded.issues), ElementsAre());
    ASSERT_TRUE(loaded.config);
    const core::Config& config = *loaded.config;
    EXPECT_EQ(config.maxconn, 100U);
    EXPECT_EQ(config.top.maxconn_source, 9U);
    EXPECT_EQ(config.top.maxundecided, 50U);
    EXPECT_EQ(config.top.rate_source, (core::Rate{20, 10}));
    EXPECT_THAT(config.top.penalty, ElementsAre(core::Penalty{Cause::Crash, 0, 30},
                                                core::Penalty{Cause::Undecided, 0, 5}));
    const core::Listener& inside = config.listeners.at(0);
    EXPECT_EQ(inside.maxconn_source, 0U);
    EXPECT_EQ(inside.maxundecided, 50U) << "as above the services";
    EXPECT_EQ(inside.rate_source, core::Rate{});
    EXPECT_THAT(inside.penalty, ElementsAre(core::Penalty{Cause::Rate, 0, 7}));
    const core::Service& service = config.services.at(0);
    EXPECT_EQ(service.maxconn, 20U);
    EXPECT_EQ(service.maxconn_source, 2U);
    EXPECT_THAT(service.penalty,
                ElementsAre(core::Penalty{Cause::Exit, 5, 10}, core::Penalty{Cause::Exit, 3, 10},
                            core::Penalty{Cause::Signal, 0, 60}));
    EXPECT_EQ(*write_classic(config), classic);
    EXPECT_EQ(read(write_libconfig(config), "f", Need::Listeners).config, config);
}

TEST(Limits, OfAListenerAreUnsetByDefault) {
    const auto config =
        read(with_service("bind = *:1\n[listener l]\nbind = *:2\n"), "f", Need::Listeners).config;
    ASSERT_TRUE(config);
    EXPECT_EQ(config->top.maxconn_source, std::nullopt);
    EXPECT_EQ(config->listeners.at(0).maxundecided, std::nullopt);
}

TEST(Limits, HaveKindsOfTheirOwnInLibconfig) {
    const auto issues = [](const std::string& setting) {
        return issues_of("bind = \"*:1\"; " + setting +
                         " services : { fallback : { connect = \"b:1\"; }; };");
    };
    EXPECT_THAT(issues("rate-source = 0;"), ElementsAre());
    EXPECT_THAT(issues("rate-source = \"0\";"), ElementsAre());
    EXPECT_THAT(issues("rate-source = 20;"),
                ElementsAre("f:1: rate-source = 20: no time; write 20/SECONDS, such as 20/10"));
    EXPECT_THAT(issues("rate-source = 0.5;"),
                ElementsAre("f:1: rate-source = 0.5: not a string; write it in double quotes"));
    EXPECT_THAT(issues("penalty = 60;"),
                ElementsAre("f:1: penalty = 60: not a string; write it in double quotes"));
    EXPECT_THAT(issues("penalty = ( \"crash 60\", \"rate 5\" );"), ElementsAre());
}

TEST(CheckPenalties, ReportsBothLinesOfACauseThatAListHasTwice) {
    EXPECT_THAT(
        issues_of(with_service("bind = *:1\npenalty = crash 5\npenalty = rate 5\n"
                               "penalty = crash 6\npenalty = crash 7\n")),
        ElementsAre("f:4: penalty = crash 6: crash is on line 2 already; keep one of the two",
                    "f:5: penalty = crash 7: crash is on line 2 already; keep one of the two"));
    EXPECT_THAT(
        issues_of(service_of("string = a\nexec = a\npenalty = exit:5 1\npenalty = exit:4 1\n"
                             "penalty = signal 1\npenalty = exit:05 1\n")),
        ElementsAre("f:8: penalty = exit:05 1: exit:5 is on line 5 already; keep one of the two"));
    EXPECT_THAT(issues_of(libconfig_service_of("string = \"a\"; exec = \"a\";\n"
                                               "penalty = [ \"signal 1\",\n\"signal 2\" ];")),
                ElementsAre("f:4: penalty = \"signal 2\": signal is on line 3 already; keep one of "
                            "the two"));
}

TEST(CheckPenalties, TakesTheListOfEachSectionByItself) {
    EXPECT_THAT(issues_of("bind = *:1\npenalty = crash 5\n[listener l]\nbind = *:2\n"
                          "penalty = crash 6\n[a]\nstring = a\nexec = a\npenalty = signal 1\n"
                          "[b]\nstring = b\nexec = a\npenalty = signal 1\n"),
                ElementsAre());
}

TEST(CheckPenalties, PassesOverAValueThatCannotBeRead) {
    EXPECT_THAT(
        issues_of(with_service("bind = *:1\npenalty = nonsense 1\npenalty = undecided 5\n")),
        ElementsAre("f:2: penalty = nonsense 1: nonsense is no cause; write undecided, "
                    "crash or rate, and the seconds, such as crash 60"));
}

TEST(Penalty, IsOfAServiceWithExecOnly) {
    EXPECT_THAT(issues_of(service_of("string = a\nconnect = b:1\npenalty = exit:5 10\n")),
                ElementsAre("f:5: penalty: only for exec, and service s has connect on line 4; "
                            "delete it"));
}

}  // namespace
}  // namespace portsplit::config
