#include "dispatch/connections.h"

#include <sys/mman.h>

#include <cstdlib>

namespace portsplit::dispatch {

void* UnforkedMemory::do_allocate(std::size_t bytes, std::size_t) {
    // mmap(2) gives whole pages, which are aligned for any type.
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (memory == MAP_FAILED) std::abort();  // as operator new does, without exceptions
    ::madvise(memory, bytes, MADV_DONTFORK);
    return memory;
}

void UnforkedMemory::do_deallocate(void* memory, std::size_t bytes, std::size_t) {
    ::munmap(memory, bytes);
}

}  // namespace portsplit::dispatch
