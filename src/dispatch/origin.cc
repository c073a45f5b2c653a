#include "dispatch/origin.h"

namespace portsplit::dispatch {

using Kind = core::ProxyEnds::Kind;

Origin origin_of(const sys::Arrival& arrival) {
    Origin origin{arrival.ends};
    if (arrival.credentials.are_known()) origin.credentials = arrival.credentials;
    return origin;
}

Origin origin_of(const core::ProxyEnds& said, const sys::Arrival& arrival) {
    switch (said.kind) {
        case Kind::Internet:
            return {{sys::Address::from(said.client, said.client_port),
                     sys::Address::from(said.server, said.server_port)},
                    said.kind,
                    std::nullopt,
                    true};
        case Kind::Unix:
            return {
                {sys::Address::of_unix(said.client_path), sys::Address::of_unix(said.server_path)},
                said.kind};
        default: {
            Origin origin = origin_of(arrival);
            origin.kind = said.kind;
            return origin;
        }
    }
}

core::ProxyEnds proxy_ends(const Origin& origin) {
    core::ProxyEnds ends;
    const sys::Address& peer = origin.ends.peer;
    const sys::Address& local = origin.ends.local;
    if (!origin.is_told()) {
        ends.kind = origin.kind;
    } else if (peer.is_internet() && local.is_internet()) {
        ends.kind = Kind::Internet;
        ends.client = peer.ip();
        ends.server = local.ip();
        ends.client_port = peer.port();
        ends.server_port = local.port();
    } else if (peer.is_unix() && local.is_unix()) {
        ends.kind = Kind::Unix;
        ends.client_path = peer.path();
        ends.server_path = local.path();
    }
    return ends;
}

}  // namespace portsplit::dispatch
