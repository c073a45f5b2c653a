// What the listening sockets keep over an upgrade.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "core/endpoint.h"
#include "daemon/sockets.h"
#include "daemon/state.h"

namespace portsplit::daemon {
namespace {

void append(const sys::SocketFile& file, StateWriter& state) {
    state.text(file.path());
    state.number(file.identity().device);
    state.number(file.identity().inode);
}

std::optional<sys::SocketFile> take_file(StateReader& state) {
    const std::string path = state.text();
    const std::uint64_t device = state.number();
    const std::uint64_t inode = state.number();
    // Who does not have the socket must not remove its file.
    if (!state.is_good() || !state.takes_descriptors()) return std::nullopt;
    return sys::SocketFile::of(path, {device, inode});
}

ListeningSocket take_socket(StateReader& state) {
    ListeningSocket socket;
    socket.configured.host = core::Text(state.text());
    socket.configured.port = static_cast<std::uint16_t>(state.number(UINT16_MAX));
    socket.fd = state.descriptor();
    socket.text = state.text();
    socket.passed = state.flag();
    socket.name = state.text();
    socket.listener = state.number();
    socket.options.interface = state.text();
    socket.options.free = state.flag();
    socket.options.multipath = state.flag();
    if (state.flag()) socket.file = take_file(state);
    if (!socket.fd) return socket;
    const auto bound = sys::local_address(socket.fd.get());
    if (!bound || !sys::is_listening(socket.fd.get())) state.refuse();
    if (bound) socket.bound = *bound;
    return socket;
}

}  // namespace

void ListeningSockets::append_to(StateWriter& state) const {
    state.number(sockets_.size());
    for (const ListeningSocket& socket : sockets_) {
        state.text(socket.configured.host);
        state.number(socket.configured.port);
        state.descriptor(socket.fd.get());
        state.text(socket.text);
        state.number(socket.passed ? 1 : 0);
        state.text(socket.name);
        state.number(socket.listener);
        state.text(socket.options.interface);
        state.number(socket.options.free ? 1 : 0);
        state.number(socket.options.multipath ? 1 : 0);
        state.number(socket.file ? 1 : 0);
        if (socket.file) append(*socket.file, state);
    }
}

void ListeningSockets::take_from(StateReader& state) {
    for (std::size_t left = state.count(); left > 0 && state.is_good(); --left) {
        sockets_.push_back(take_socket(state));
    }
}

}  // namespace portsplit::daemon
