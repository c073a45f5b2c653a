#include "dispatch/proxy_out.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

#include "core/passed_fields.h"

namespace portsplit::dispatch {
namespace {

/// The longest id (2.2.5). HAProxy resets a connection with a longer one.
constexpr std::size_t kLongestId = 128;

/// Returns a path of any length as a text of few bytes.
std::string digest(std::string_view path) { return fmt::format("unix-{:08x}", core::crc32c(path)); }

/// Returns an id that no other connection has: both ends, the time in seconds, and the process, as the log
/// line of the connection has them. Of paths that are too long it has digests.
std::string unique_id(const sys::Ends& ends) {
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
    const auto id_with = [&](auto host) {
        return fmt::format("{}/{}_{}/{}_{}_{}", host(ends.peer), ends.peer.port(), host(ends.local),
                           ends.local.port(), seconds, ::getpid());
    };
    const std::string id = id_with([](const sys::Address& end) { return end.host(); });
    if (id.size() <= kLongestId) return id;
    return id_with(
        [](const sys::Address& end) { return end.is_unix() ? digest(end.path()) : end.host(); });
}

bool has_word(const core::Connect& connect, std::string_view word) {
    return std::ranges::find(connect.proxy_tlv, word) != connect.proxy_tlv.end();
}

}  // namespace

std::string proxy_header(const core::Connect& connect, const Origin& origin,
                         std::vector<core::ProxyTlv> fields) {
    if (connect.proxy == core::ProxyHeader::V1) return core::proxy_header_v1(proxy_ends(origin));
    if (has_word(connect, core::kUniqueIdWord)) {
        fields.push_back({core::ProxyTlv::kUniqueId, unique_id(origin.ends)});
    }
    return core::proxy_header_v2(proxy_ends(origin), fields,
                                 has_word(connect, core::kChecksumWord));
}

sys::Result<core::Done> send_first(int target, const std::string& bytes, bool more_follow) {
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more_follow ? MSG_MORE : 0);
    const ssize_t sent =
        sys::retry([&] { return ::send(target, bytes.data(), bytes.size(), flags); });
    if (sent == std::ssize(bytes)) return core::Done{};
    return sys::SysError{sent < 0 ? errno : ENOBUFS, "cannot send a PROXY header"};
}

}  // namespace portsplit::dispatch
