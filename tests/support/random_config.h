#pragma once
// Random valid configurations; a seed always gives the same one.

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model.h"

namespace portsplit::config {

class RandomConfig {
  public:
    /// @param for_classic  true if every value must fit the classic spelling
    RandomConfig(unsigned seed, bool for_classic) : random_(seed), for_classic_(for_classic) {}

    core::Config make() {
        core::Config config;
        const std::size_t binds = below(4);
        for (std::size_t i = 0; i < binds; ++i) config.top.bind.push_back(bind(i));
        if (maybe()) config.top.timeout = std::chrono::milliseconds(below(86'400'001));
        if (below(8) == 0) config.top.allow = prefixes(0);
        if (maybe()) config.top.deny = prefixes(1);
        if (below(8) == 0) config.top.proxy_from = prefixes(0);
        if (below(8) == 0) config.top.interface = word();
        config.top.freebind = maybe();
        if (maybe()) config.maxconn = below(1'000'001);
        limit(config.top);
        if (maybe()) config.window = 1 + below(core::kLargestWindow);
        if (maybe()) config.pid = "/run/" + word();
        if (maybe()) config.user = word();
        if (maybe()) config.group = word();
        config.sandbox = maybe() ? core::Sandbox::Auto : core::Sandbox::Off;
        config.log = log();
        const std::size_t services = 1 + below(5);
        for (std::size_t i = 0; i < services; ++i) config.services.push_back(service(i));
        const std::size_t listeners = below(3);
        for (std::size_t i = 0; i < listeners; ++i) {
            config.listeners.push_back(listener(config, binds + i));
            if (i > 0 || maybe()) continue;
            core::Listener& main = config.listeners.front();
            main.name = core::kMain;
            main.bind.insert(main.bind.begin(), config.top.bind.begin(), config.top.bind.end());
            config.top.bind.clear();
        }
        if (maybe()) {
            config.layouts.push_back({"request",
                                      {{"start", "'R' {u8 part*}"},
                                       {"part", "'n' {u8 <host name>} | '\"\\5C' <port u16>"}}});
            for (core::Service& service : config.services) {
                if (!service.is_last_resort() && maybe()) service.layouts.push_back(asked());
            }
        }
        return config;
    }

  private:
    core::List<core::Text> log() {
        core::List<core::Text> log;
        if (maybe()) log.emplace_back(core::kLogWords[below(core::kLogWords.size())]);
        return log;
    }

    /// Returns a listener that differs from the top in some of its keys.
    core::Listener listener(const core::Config& config, std::size_t index) {
        core::Listener listener = config.top;
        listener.name = name().append(std::to_string(index));
        listener.bind = {bind(index)};
        // A list that is given replaces that of the top.
        if (const auto allow = prefixes(0); !allow.empty() && maybe()) listener.allow = allow;
        if (const auto from = prefixes(0); !from.empty() && maybe()) listener.proxy_from = from;
        listener.mptcp = maybe();
        if (maybe()) listener.timeout = std::chrono::milliseconds(below(86'400'001));
        limit(listener);
        const auto any_service = [&] {
            return config.services[below(config.services.size())].name;
        };
        for (std::size_t left = below(3); left > 0; --left) {
            listener.services.push_back(any_service());
        }
        if (maybe()) listener.fallback = any_service();
        if (maybe()) listener.on_timeout = any_service();
        return listener;
    }

    /// Gives a listener limits of its own. Without them it has those of the top.
    void limit(core::Listener& listener) {
        if (maybe()) listener.maxconn_source = below(1'000'001);
        if (maybe()) listener.maxundecided = below(1'000'001);
        if (maybe()) listener.rate_source = {1 + below(1'000'000), 1 + below(3600)};
        if (below(4) == 0) listener.rate_source = {};
        using Cause = core::Penalty::Cause;
        core::List<core::Penalty> penalties;
        for (const Cause cause : {Cause::Crash, Cause::Undecided, Cause::Rate}) {
            if (maybe()) penalties.push_back({cause, 0, below(601)});
        }
        if (!penalties.empty()) listener.penalty = penalties;
    }

    core::List<core::Penalty> penalties_of_program() {
        core::List<core::Penalty> penalties;
        const auto code = static_cast<std::uint8_t>(below(255));
        const auto next = static_cast<std::uint8_t>(code + 1);
        for (const std::uint8_t it : {code, next}) {
            if (maybe()) penalties.push_back({core::Penalty::Cause::Exit, it, below(601)});
        }
        if (maybe()) penalties.push_back({core::Penalty::Cause::Signal, 0, below(601)});
        return penalties;
    }

    core::Service service(std::size_t index) {
        core::Service service;
        if (index == 0 && maybe()) {
            service.name = maybe() ? core::kFallback : core::kTimeout;
        } else {
            service.name = name().append(std::to_string(index));
            const std::size_t strings = below(4);
            for (std::size_t i = 0; i < strings; ++i) {
                service.patterns.push_back({core::PatternKind::String, any_bytes(below(13))});
            }
            if (maybe()) service.patterns.push_back({core::PatternKind::Hex, hex()});
            if (maybe() || service.patterns.empty()) {
                service.patterns.push_back({core::PatternKind::Regex, regex()});
            }
        }
        service.log = log();
        if (below(8) == 0) service.from = prefixes(0);
        if (maybe()) service.not_from = prefixes(1);
        if (maybe()) service.keepalive = below(32768);
        if (below(4) == 0) service.user_timeout = below(32768);
        service.no_delay = maybe();
        if (maybe()) service.maxconn = below(1'000'001);
        if (maybe()) service.maxconn_source = below(1'000'001);
        if (maybe()) {
            service.action = exec();
            service.penalty = penalties_of_program();
        } else {
            service.action = connect();
            if (maybe()) service.half_closed = std::chrono::milliseconds(below(86'400'001));
            if (maybe()) service.idle = std::chrono::milliseconds(below(86'400'001));
        }
        return service;
    }

    /// @param second  0 or 1: no prefix is in the lists of both
    core::List<core::Prefix> prefixes(std::uint8_t second) {
        core::List<core::Prefix> prefixes;
        for (std::size_t left = below(4); left > 0; --left) {
            std::vector<std::uint8_t> bytes(maybe() ? 4 : 16);
            // Only an address of a link has an interface.
            const bool is_of_link = bytes.size() == 16 && maybe();
            bytes[0] = is_of_link ? 0xfe : 0x20;
            bytes[1] = static_cast<std::uint8_t>(is_of_link ? 0x80 | second : second);
            bytes.back() = static_cast<std::uint8_t>(below(256));
            const std::size_t length = bytes.size() * 8 - below(9);
            core::Prefix& prefix = prefixes.emplace_back();
            prefix = {core::Prefix::Kind::Internet, static_cast<std::uint8_t>(length),
                      core::IpAddress::from_bytes(bytes).first_of(length), core::Zone()};
            if (is_of_link) prefix.zone = core::Zone(maybe() ? "eth0" : "br-0.1");
        }
        if (below(8) == 0) prefixes.push_back({core::Prefix::Kind::None, 0, {}, {}});
        if (second == 1 && below(8) == 0) prefixes.push_back({core::Prefix::Kind::Unix, 0, {}, {}});
        return prefixes;
    }

    core::LayoutPattern asked() {
        core::LayoutPattern pattern{"request", maybe(), {}};
        if (maybe()) {
            core::FieldCondition host{"host", {}};
            for (std::size_t left = 1 + below(3); left > 0; --left) {
                host.values.push_back(pick({"*.example.org", "a\"b", "\\2Ax", "~[a-z]+\\.x", "*"}));
            }
            pattern.conditions.push_back(host);
        }
        if (maybe() || (!pattern.whole && pattern.conditions.empty())) {
            pattern.conditions.push_back({"port", {pick({"443", "1-1024"})}});
        }
        return pattern;
    }

    core::Text hex() { return any_of({"00", "16 03 00-04 ?? ?? 01", "3? ?f", "FFfe", "7e"}); }
    core::Text regex() {
        return any_of({"[A-Z]{3,16} [^ \\r\\n]+ HTTP/1", "(?s).*?\"x\"", "a|b\\x00", "#;{}="});
    }
    core::Text any_of(const std::vector<core::Text>& texts) { return texts[below(texts.size())]; }

    core::Exec exec() {
        core::Exec exec;
        exec.program = (maybe() ? "/opt/" : "") + word();
        const std::size_t arguments = below(4);
        for (std::size_t i = 0; i < arguments; ++i) exec.arguments.push_back(argument());
        exec.stdio = static_cast<core::Stdio>(below(3));
        if (maybe()) exec.argv0 = argument();
        if (maybe()) exec.directory = "/srv/" + word();
        if (maybe()) exec.user = pick({"www-data", "0", "33"});
        if (maybe()) exec.group = pick({"www-data", "33,4"});
        if (maybe()) exec.limits = {"nofile 7:8", "core unlimited"};
        if (maybe()) exec.nice = pick({"-20", "19"});
        if (maybe()) exec.umask = pick({"0", "027", "0777", "77"});
        for (std::size_t left = below(3); left > 0; --left)
            exec.env.push_back(word() + "=" + word());
        for (std::size_t left = below(3); left > 0; --left) exec.passenv.push_back(word());
        if (maybe()) exec.grace = std::chrono::milliseconds(below(86'400'001));
        exec.stderr_to = static_cast<core::StderrTo>(below(3));
        return exec;
    }

    core::Connect connect() {
        core::Connect connect;
        const std::size_t targets = 1 + below(3);
        for (std::size_t i = 0; i < targets; ++i) {
            const auto port = static_cast<std::uint16_t>(1 + below(65535));
            connect.targets.push_back(
                {pick({"192.0.2.1", "2001:db8::1", "backend.example"}), port});
        }
        connect.proxy = static_cast<core::ProxyHeader>(below(3));
        if (connect.proxy == core::ProxyHeader::V2) {
            for (const char* tlv : {"unique-id", "crc32c"}) {
                if (maybe()) connect.proxy_tlv.emplace_back(tlv);
            }
        }
        if (maybe()) connect.timeout = std::chrono::milliseconds(1000 + below(119'001));
        connect.transparent = below(4) == 0;
        return connect;
    }

    /// Each bind has a port of its own, so that none collide.
    core::Endpoint bind(std::size_t index) {
        return {pick({"*", "0.0.0.0", "::", "198.51.100.7"}),
                static_cast<std::uint16_t>(index + 1)};
    }

    core::Text argument() {
        if (below(5) == 0) return "";
        core::Text text;
        for (std::size_t left = below(10); left > 0; --left) {
            text += static_cast<char>(for_classic_ ? ' ' + below(95) : 1 + below(255));
        }
        return for_classic_ ? "." + text + "." : text;
    }

    core::Text any_bytes(std::size_t length) {
        core::Text bytes;
        while (bytes.size() < length) {
            bytes += maybe() ? static_cast<char>(below(256)) : " \\a#\"["[below(6)];
        }
        return bytes;
    }

    /// Identifiers, and names that a group of libconfig cannot have.
    core::Text name() { return pick({"ssh", "true", "*x-_", "http/1.1", "a[b", "#", "9"}); }
    core::Text word() {
        return pick({"a", "www-data", "port.split", "x\"y", "back\\41slash", "#"});
    }

    core::Text pick(const std::vector<std::string_view>& words) {
        return core::Text(words[below(words.size())]);
    }
    bool maybe() { return below(2) == 0; }
    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
    }

    std::mt19937 random_;
    bool for_classic_;
};

}  // namespace portsplit::config
