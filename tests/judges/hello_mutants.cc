#include "judges/hello_mutants.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace portsplit::judges {

std::string HelloMutants::message(const std::string& message) {
    ClientHello hello = ClientHello::parse(message);
    const std::size_t changes = below(random_, 4);
    std::size_t raw = 0;
    for (std::size_t i = 0; i < changes; ++i) {
        if (one_in(4))
            ++raw;
        else
            change(hello);
    }
    std::string text = hello.message();
    for (; raw > 0; --raw) change_bytes(text, hello);
    return text;
}

void HelloMutants::change(ClientHello& hello) {
    switch (below(random_, 16)) {
        case 0:
            hello.version =
                one_in(2) ? random_bytes(random_, 2) : "\x03" + random_bytes(random_, 1);
            return;
        case 1:
            hello.session = bytes(33);
            return;
        case 2:  // a suite more; or half of one, or none
            hello.ciphers = one_in(4) ? bytes(5) : bytes(1) + hello.ciphers + bytes(2);
            return;
        case 3:
            hello.compressions = one_in(2) ? bytes(3) : bytes(2) + hello.compressions + bytes(2);
            return;
        case 4:
            if (one_in(2))
                hello.extensions.reset();
            else
                hello.extensions.emplace();
            return;
        case 5:
        case 6:
        case 7:
            put(hello, Extension::kServerName).body =
                one_in(2) ? server_name(any_name()) : any_names();
            return;
        case 8:
        case 9:
            put(hello, Extension::kAlpn).body = any_protocols();
            return;
        case 10:
            put(hello, Extension::kVersions).body = any_versions();
            return;
        default:
            change_extension(hello);
    }
}

/// Returns the extension of a type, which it adds if there is none.
Extension& HelloMutants::put(ClientHello& hello, std::uint16_t type) {
    auto& all = hello.extensions ? *hello.extensions : hello.extensions.emplace();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](auto& it) { return it.type == type; });
    if (found != all.end()) return *found;
    const auto place = static_cast<std::ptrdiff_t>(below(random_, all.size() + 1));
    return *all.insert(all.begin() + place, {type, ""});
}

void HelloMutants::change_extension(ClientHello& hello) {
    if (!hello.extensions || hello.extensions->empty()) return;
    auto& all = *hello.extensions;
    const std::size_t which = below(random_, all.size());
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(which);
    switch (below(random_, 8)) {
        case 0:  // pre_shared_key stays the last, as RFC 8446 4.2.11 asks
            std::shuffle(all.begin(), all.end() - (all.back().type == 41 ? 1 : 0), random_);
            return;
        case 1:
            all.erase(at);
            return;
        case 2: {
            const Extension copy = *at;
            all.insert(all.begin() + static_cast<std::ptrdiff_t>(below(random_, all.size() + 1)),
                       copy);
            return;
        }
        case 3:
            at->type = static_cast<std::uint16_t>(below(random_, one_in(2) ? 64 : 65'536));
            return;
        case 4:
            all.insert(at, {static_cast<std::uint16_t>(0x0A0A + 0x1010 * below(random_, 16)),
                            bytes(one_in(8) ? 20'000 : 40)});
            return;
        case 5: {  // a hybrid key share (X25519MLKEM768) in front of the others
            Extension& shares = put(hello, 51);
            if (shares.body.size() < 2) return;
            const std::string first =
                number(2, 0x11EC) + behind_length(2, random_bytes(random_, 1'216));
            shares.body = behind_length(2, first + shares.body.substr(2));
            return;
        }
        default:
            change_body(at->body);
    }
}

void HelloMutants::change_body(std::string& body) {
    switch (below(random_, 5)) {
        case 0:
            body.resize(below(random_, body.size() + 1));
            return;
        case 1:
            body += bytes(4);
            return;
        case 2:  // a list that is shorter, and whose length is right
            if (body.size() < 2) return;
            body = behind_length(2, body.substr(2, below(random_, body.size() - 1)));
            return;
        case 3:  // a list that is longer
            if (body.size() < 2) return;
            body = behind_length(2, body.substr(2) + bytes(4));
            return;
        default:
            if (!body.empty()) body[below(random_, body.size())] = random_byte(random_);
    }
}

void HelloMutants::change_bytes(std::string& message, const ClientHello& hello) {
    const auto flip = [&](std::size_t at) { message[at] = random_byte(random_); };
    std::vector<std::pair<std::size_t, std::size_t>> lengths;
    switch (below(random_, 6)) {
        case 0:
            flip(below(random_, message.size()));
            return;
        case 1:
            flip(below(random_, std::min<std::size_t>(message.size(), 60)));
            return;
        case 2:
            message += bytes(8);
            return;
        case 3:  // the message ends too early, and its length is right or wrong
            message.resize(4 + below(random_, message.size() - 3));
            if (one_in(2)) message.replace(1, 3, number(3, message.size() - 4));
            return;
        default: {
            hello.message(&lengths);
            const auto [at, size] = lengths[below(random_, lengths.size())];
            if (at + size > message.size()) return;
            const std::size_t value = Taker(std::string_view(message).substr(at)).take_number(size);
            const std::array<std::size_t, 7> values{value + 1,
                                                    value - 1,
                                                    0,
                                                    value + below(random_, 40),
                                                    value - below(random_, 40),
                                                    value * 2,
                                                    below(random_, 65'536)};
            message.replace(at, size, number(size, values[below(random_, values.size())]));
        }
    }
}

std::string HelloMutants::stream(std::string stream) {
    // The places of the records' heads.
    std::vector<std::size_t> heads;
    for (std::size_t at = 0; at + 5 <= stream.size();) {
        heads.push_back(at);
        at += 5 + Taker(std::string_view(stream).substr(at + 3)).take_number(2);
    }
    const std::size_t head = heads[below(random_, heads.size())];
    switch (below(random_, 8)) {
        case 0:
            stream[head + 2] = random_byte(random_);
            return stream;
        case 1:
            stream[head + 1] = static_cast<char>(below(random_, one_in(2) ? 5 : 256));
            return stream;
        case 2:
            stream[head] =
                static_cast<char>(one_in(2) ? 0x14 + below(random_, 4) : below(random_, 256));
            return stream;
        case 3:
            return stream.replace(head + 3, 2, number(2, below(random_, one_in(2) ? 40 : 65'536)));
        case 4:  // an empty record
            return stream.insert(head, "\x16\x03\x01\0\0", 5);
        case 5:  // a warning; the end of encryption
            return stream.insert(head, one_in(2) ? std::string("\x15\x03\x01\0\2\1\x5a", 7)
                                                 : std::string("\x14\x03\x01\0\1\1", 6));
        case 6:
            stream.resize(1 + below(random_, stream.size()));
            return stream;
        default:
            stream[below(random_, stream.size())] = random_byte(random_);
            return stream;
    }
}

// --- bodies ---

std::string HelloMutants::any_name() {
    static const std::vector<std::string> kNames{"www.example.org",
                                                 "WWW.EXAMPLE.ORG",
                                                 "Www.Example.Org.",
                                                 "example..org",
                                                 ".",
                                                 "..",
                                                 "",
                                                 ".example",
                                                 "a",
                                                 "-a-",
                                                 "_dmarc.example",
                                                 "192.0.2.7",
                                                 "[2001:db8::7]",
                                                 "2001:db8::7",
                                                 "example.org:443",
                                                 "a b",
                                                 "*.example.org",
                                                 std::string("www.example.org\0.evil", 21),
                                                 std::string("\0", 1),
                                                 "b\303\274cher.example",
                                                 "xn--bcher-kva.example",
                                                 "XN--BCHER-KVA.example",
                                                 "\xff\xfe"};
    static constexpr std::array<std::size_t, 6> kSizes{63, 64, 253, 255, 256, 300};
    switch (below(random_, 8)) {
        case 0: {
            std::string name(kSizes[below(random_, kSizes.size())], 'a');
            for (std::size_t at = below(random_, 64); at < name.size();
                 at += 1 + below(random_, 64))
                name[at] = '.';
            return name;
        }
        case 1:
            return bytes(20);
        case 2:
        case 3: {
            static constexpr std::string_view kLetters = "abcXYZ019-._";
            std::string name(1 + below(random_, 60), ' ');
            for (char& c : name) c = kLetters[below(random_, kLetters.size())];
            return name;
        }
        default:
            return kNames[below(random_, kNames.size())];
    }
}

/// Returns a list of none to four names, some not of hosts.
std::string HelloMutants::any_names() {
    std::string list;
    for (std::size_t names = below(random_, 5); names > 0; --names)
        list += (one_in(3) ? random_bytes(random_, 1) : std::string(1, '\0')) +
                behind_length(2, any_name());
    if (one_in(6)) list += bytes(4);
    return behind_length(2, list) + (one_in(6) ? bytes(4) : "");
}

std::string HelloMutants::any_protocols() {
    static const std::vector<std::string> kProtocols{"h2",  "http/1.1", "H2", "acme-tls/1",
                                                     "dot", "imap",     ""};
    std::vector<std::string> protocols;
    for (std::size_t left = below(random_, one_in(20) ? 3'000 : 6); left > 0; --left)
        protocols.push_back(one_in(3) ? bytes(one_in(4) ? 255 : 9)
                                      : kProtocols[below(random_, 6 + below(random_, 8) / 7)]);
    std::string body = alpn(protocols);
    if (body.size() > 40'000) body = alpn({"h2"});
    return body + (one_in(8) ? bytes(3) : "");
}

std::string HelloMutants::any_versions() {
    std::string list;
    for (std::size_t left = below(random_, 6); left > 0; --left)
        list += one_in(3) ? random_bytes(random_, 2) : "\x03" + number(1, 1 + below(random_, 4));
    if (one_in(8)) list += bytes(1);
    return behind_length(1, list) + (one_in(8) ? bytes(3) : "");
}

}  // namespace portsplit::judges
