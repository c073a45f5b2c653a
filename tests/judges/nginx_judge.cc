#include "judges/nginx_judge.h"

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace portsplit::judges {
namespace {

/// The module is part of the program, or a file where the packages of Debian or Fedora put it.
std::string load_stream_module() {
    for (const char* folder : {"/usr/lib/nginx/modules", "/usr/lib64/nginx/modules"}) {
        const std::string path = std::string(folder) + "/ngx_stream_module.so";
        if (std::filesystem::exists(path)) return "load_module " + path + ";\n";
    }
    return "";
}

std::string configuration(NginxJudge::Of protocol, const std::string& folder) {
    std::string text =
        "daemon off; master_process off; error_log stderr crit;\npid " + folder + "/pid;\n";
    const std::string listen = "listen unix:" + folder + "/socket;\n";
    if (protocol == NginxJudge::Of::Tls) {
        return load_stream_module() + text + "events {}\nstream { server {\n" + listen +
               "ssl_preread on; preread_buffer_size 128k;\n"
               "return '$ssl_preread_server_name<|>$ssl_preread_alpn_protocols'; } }\n";
    }
    text += "events {}\nhttp { access_log off; keepalive_timeout 0; lingering_close off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        text.append(kind).append("_temp_path ").append(folder).append("/temp;\n");
    return text + "server {\n" + listen +
           "server_name none.invalid;\n"
           "add_header Method $request_method; add_header Host $host; add_header Path "
           "$request_uri;\n"
           "add_header Upgrade $http_upgrade; return 204; } }\n";
}

/// Writes the configuration and returns its path.
std::string written(NginxJudge::Of protocol, const Folder& folder) {
    std::string path = folder / "nginx.conf";
    std::ofstream(path) << configuration(protocol, folder.path());
    return path;
}

/// Returns the value of a field in the head of an answer; empty if it is not there.
std::string field(const std::string& head, const std::string& name) {
    const std::string before = "\r\n" + name + ": ";
    const std::size_t at = head.find(before);
    if (at == std::string::npos) return "";
    const std::size_t begin = at + before.size();
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

}  // namespace

NginxJudge::NginxJudge(Of protocol)
    : server_(folder_,
              {"nginx", "-e", "stderr", "-p", folder_.path(), "-c", written(protocol, folder_)},
              "socket", SIGTERM) {}

NginxJudge::Hello NginxJudge::preread(const Segments& segments) const {
    const std::string answer = server_.answer_to(segments, true);
    const std::size_t bar = answer.rfind("<|>");
    if (bar == std::string::npos) return {};
    return {answer.substr(0, bar), answer.substr(bar + 3)};
}

NginxJudge::Request NginxJudge::request(const Segments& segments) const {
    const std::string answer = server_.answer_to(segments, true);
    Request request;
    request.is_accepted = answer.starts_with("HTTP/1.1 204 ");
    if (!request.is_accepted) return request;
    request.method = field(answer, "Method");
    request.host = field(answer, "Host");
    if (request.host == "none.invalid") request.host.clear();
    request.path = field(answer, "Path");
    request.upgrade = field(answer, "Upgrade");
    return request;
}

}  // namespace portsplit::judges
