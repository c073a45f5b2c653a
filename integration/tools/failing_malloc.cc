// LD_PRELOAD=failing_malloc.so FAIL_AT=N PROGRAM...
//
// Lets the Nth allocation of a program fail, that alone, with ENOMEM. A forked child goes on counting where its
// parent was.

#include <errno.h>
#include <stdlib.h>

#include <cstddef>

// The functions of the C library under their other names (malloc(3), "replacing malloc" in the manual of glibc).
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
}

namespace {

long left_to_go = 0;

__attribute__((constructor)) void start() {
    const char* const text = ::getenv("FAIL_AT");
    left_to_go = text == nullptr ? 0 : ::atol(text);
}

bool fails() {
    if (left_to_go == 0 || --left_to_go > 0) return false;
    errno = ENOMEM;
    return true;
}

}  // namespace

extern "C" {
void* malloc(std::size_t size) { return fails() ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) {
    return fails() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) { return fails() ? nullptr : __libc_realloc(old, size); }
}
