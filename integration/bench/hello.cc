// hello NAME BYTES RECORD [first]
//
// Prints the ClientHello of hello.h: BYTES long, in records of RECORD bytes, with the name as its last
// extension or its first one.

#include "hello.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
    const bool name_first = argc == 5 && std::string_view(argv[4]) == "first";
    const auto number = [&](int index) {
        return argc > index ? static_cast<std::size_t>(std::atol(argv[index])) : 0;
    };
    if (argc < 4 || argc > 5 || (argc == 5 && !name_first) || number(3) == 0) {
        std::fputs("usage: hello NAME BYTES RECORD [first]\n", stderr);
        return 64;
    }
    const std::string bytes = bench::client_hello({argv[1], number(2), number(3), name_first});
    return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
}
