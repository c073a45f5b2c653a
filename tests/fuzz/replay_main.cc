// Replaces libFuzzer's main in builds without libFuzzer: runs the fuzz target with every file of a
// corpus directory, and with every beginning of a short file. Fails if the directory is empty, or if the reader
// under test accepts no whole file of it: then the test would check nothing, or nothing behind the reader.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "support/checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

/// Longer files run whole only: all beginnings together take time by the square of the length.
constexpr std::size_t kShort = 2048;

/// Runs the target with a copy of exactly this size, so that AddressSanitizer finds a read beyond
/// it.
void feed(const std::vector<char>& bytes, std::size_t size) {
    const std::vector<std::uint8_t> input(bytes.begin(),
                                          bytes.begin() + static_cast<std::ptrdiff_t>(size));
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

/// @param accepted  counts the whole files that the reader under test accepts
bool replay(const std::filesystem::path& path, int& accepted) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        return false;
    }
    if (bytes.size() <= kShort) {
        for (std::size_t size = 0; size < bytes.size(); ++size) feed(bytes, size);
    }
    const std::size_t before = portsplit::core::accepted_inputs;
    feed(bytes, bytes.size());
    accepted += portsplit::core::accepted_inputs > before ? 1 : 0;
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argc > 0 ? argv[0] : "replay");
        return 64;
    }
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (std::filesystem::directory_iterator it(argv[1], error), end; !error && it != end;
         it.increment(error)) {
        if (it->is_regular_file()) files.push_back(it->path());
    }
    if (error) {
        std::fprintf(stderr, "cannot list %s: %s\n", argv[1], error.message().c_str());
        return 1;
    }
    if (files.empty()) {
        std::fprintf(stderr, "no files in %s\n", argv[1]);
        return 1;
    }
    int accepted = 0;
    std::sort(files.begin(), files.end());
    for (const auto& path : files) {
        // Flush before the target runs: if it aborts, the last line names the file.
        std::printf("%s\n", path.c_str());
        std::fflush(stdout);
        if (!replay(path, accepted)) return 1;
    }
    if (accepted == 0) {
        std::fprintf(stderr, "no file in %s is accepted: make the corpus anew (fuzz_seeds)\n",
                     argv[1]);
        return 1;
    }
    std::printf("accepted %d of %zu files\n", accepted, files.size());
    return 0;
}
