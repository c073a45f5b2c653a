#include "config/trust.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "config/wording.h"

namespace portsplit::config {
namespace {

class Trust {
  public:
    Trust(const Loaded& loaded, const Surroundings& surroundings)
        : loaded_(loaded), surroundings_(surroundings) {}

    std::vector<Issue> warnings() {
        if (surroundings_.writable_by_all) check_files();
        if (loaded_.config) {
            check_listener(loaded_.config->top, loaded_.origins.global);
            for (std::size_t i = 0; i < loaded_.config->listeners.size(); ++i) {
                check_listener(loaded_.config->listeners[i], loaded_.origins.listeners[i]);
            }
            for (std::size_t s = 0; s < loaded_.config->services.size(); ++s) {
                check_program(s);
                check_targets(s);
            }
        }
        sort_by_spot(found_);
        return std::move(found_);
    }

  private:
    void check_files() {
        for (std::size_t file = 0; file < loaded_.origins.files.size(); ++file) {
            const std::string path = surroundings_.writable_by_all(loaded_.origins.files[file]);
            if (path.empty()) continue;
            warn({static_cast<int>(file), 1}, "writable", "",
                 fmt::format("every user can write {0}, and so choose where clients go and what "
                             "runs as {1}; "
                             "chmod o-w {0}",
                             shown(path), user()));
        }
    }

    void check_listener(const core::Listener& listener, const Origin& origin) {
        const bool has_unix_balancers = std::ranges::any_of(
            listener.proxy_from,
            [](const core::Prefix& prefix) { return prefix.kind == core::Prefix::Kind::Unix; });
        for (std::size_t i = 0; i < listener.bind.size(); ++i) {
            const core::Endpoint& bind = listener.bind[i];
            if (!bind.is_unix()) continue;
            const Spot spot = origin.of("bind", i);
            if (const std::string folder = folder_writable_by_all(bind); !folder.empty()) {
                warn(spot, "writable", "",
                     fmt::format("every user can replace the socket bind = {}, and so take its "
                                 "clients; chmod o-w {}",
                                 shown(core::to_string(bind)), shown(folder)));
            }
            if (has_unix_balancers && takes_every_user(bind)) {
                warn(spot, "proxy-from-all", "",
                     fmt::format("proxy-from = unix, and every user of this machine may connect to "
                                 "bind = {0}, and so say who the client is; write {1}",
                                 shown(core::to_string(bind)),
                                 core::unix_socket(bind).is_abstract()
                                     ? "a path and its mode, such as unix:/run/NAME.sock,mode=0660"
                                     : "its mode, such as mode=0660"));
            }
        }
    }

    void check_targets(std::size_t index) {
        const core::Service& service = loaded_.config->services[index];
        const auto* connect = std::get_if<core::Connect>(&service.action);
        if (connect == nullptr) return;
        for (std::size_t i = 0; i < connect->targets.size(); ++i) {
            const std::string folder = folder_writable_by_all(connect->targets[i]);
            if (folder.empty()) continue;
            warn(loaded_.origins.services[index].of("connect", i), "writable", service.name,
                 fmt::format("every user can replace the socket connect = {}, and so take its "
                             "clients; chmod o-w {}",
                             shown(core::to_string(connect->targets[i])), shown(folder)));
        }
    }

    /// Returns the folder on the path of a Unix-domain socket that every user can write; empty if there is none.
    std::string folder_writable_by_all(const core::Endpoint& endpoint) const {
        if (!endpoint.is_unix() || !surroundings_.writable_by_all) return {};
        const std::string_view path = core::unix_socket(endpoint).path;
        const std::size_t slash = path.rfind('/');
        if (!path.starts_with('/') || slash == 0) return {};
        return surroundings_.writable_by_all(std::string(path.substr(0, slash)));
    }

    /// A client needs write permission on the file (unix(7)). An abstract name has no permissions.
    static bool takes_every_user(const core::Endpoint& bind) {
        const core::UnixSocket socket = core::unix_socket(bind);
        constexpr int kWrite = 2;
        return socket.is_abstract() || socket.mode.empty() ||
               ((socket.mode.back() - '0') & kWrite) != 0;
    }

    void check_program(std::size_t index) {
        const core::Service& service = loaded_.config->services[index];
        const auto* exec = std::get_if<core::Exec>(&service.action);
        if (exec == nullptr) return;
        const Spot spot = loaded_.origins.services[index].of("exec");
        check_tcpd(service, *exec, spot);
        const std::string program(exec->program);
        const std::string path = surroundings_.program_writable_by_all
                                     ? surroundings_.program_writable_by_all(program)
                                     : "";
        if (!path.empty()) {
            warn(spot, "writable", service.name,
                 fmt::format(
                     "every user can write {0}, and so choose what runs as {1}; chmod o-w {0}",
                     shown(path), user()));
        }
        if (exec->stdio == core::Stdio::Socket && surroundings_.is_script &&
            surroundings_.is_script(program)) {
            warn(spot, "script", service.name,
                 fmt::format("exec = {} is a script, and its stdio is socket: if it ends "
                             "before it has read all that the client sent, the client's connection "
                             "is reset; write stdio = pipe",
                             shown(program)));
        }
    }

    /// tcpd(8) executes the program that its argument 0 names.
    void check_tcpd(const core::Service& service, const core::Exec& exec, Spot spot) {
        const auto is_tcpd = [](std::string_view path) {
            return path.substr(path.rfind('/') + 1) == "tcpd";
        };
        if (!is_tcpd(exec.program)) return;
        if (!exec.argv0.empty() && !is_tcpd(exec.argv0)) return;
        warn(spot, "tcpd", service.name,
             "tcpd starts the program that argument 0 names, which is tcpd itself, without end; "
             "write "
             "argv0 = PROGRAM, such as /usr/sbin/sshd");
    }

    /// Returns who the programs run as.
    std::string user() const {
        const auto user = std::find_if(
            loaded_.outside.begin(), loaded_.outside.end(), [](const Outside& outside) {
                return outside.key->takes.type == Type::UserName && outside.bind.empty();
            });
        return user == loaded_.outside.end() ? "the user that starts Portsplit" : user->name;
    }

    void warn(Spot spot, std::string_view name, std::string_view service, const std::string& text) {
        found_.push_back(loaded_.origins.warning(spot, name, service, text));
    }

    const Loaded& loaded_;
    const Surroundings& surroundings_;
    std::vector<Issue> found_;
};

}  // namespace

std::vector<Issue> check_trust(const Loaded& loaded, const Surroundings& surroundings) {
    return Trust(loaded, surroundings).warnings();
}

}  // namespace portsplit::config
