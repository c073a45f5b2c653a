#pragma once
// What a function writes to standard output and standard error, and the number it returns.

#include <unistd.h>

#include <functional>
#include <ostream>
#include <string>

#include "support/child.h"
#include "support/folder.h"
#include "sys/file.h"

namespace portsplit {

struct Printed {
    int code = -1;  ///< what the function returned; -1 if its process was killed
    std::string out;
    std::string err;

    bool operator==(const Printed&) const = default;
};

inline void PrintTo(const Printed& printed, std::ostream* out) {
    *out << "code " << printed.code << ", out \"" << printed.out << "\", err \"" << printed.err
         << '"';
}

/// Runs a function in a child whose standard output and standard error are files.
inline Printed printed_by(const std::function<int()>& work) {
    const Folder folder;
    const std::string out = folder / "out";
    const std::string err = folder / "err";
    loopback::Child child([&] {
        for (const auto& [path, fd] : {std::pair(out, 1), std::pair(err, 2)}) {
            const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
            ::dup2(file.get(), fd);
        }
        return work();
    });
    const int status = child.status();
    const auto text = [](const std::string& path) {
        auto read = sys::read_file(path);
        return read ? *std::move(read) : "";
    };
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text(out), text(err)};
}

}  // namespace portsplit
