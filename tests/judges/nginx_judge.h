#pragma once
// nginx as a server that judges: it answers with what it read.

#include <map>
#include <string>

#include "judges/judge.h"
#include "judges/server_process.h"
#include "support/folder.h"

namespace portsplit::judges {

class NginxJudge {
  public:
    enum class Of { Tls, Http };

    explicit NginxJudge(Of protocol);

    /// What nginx reads of a ClientHello; all empty if it reads none.
    struct Hello {
        std::string name;
        std::string alpn;  ///< with commas
    };
    Hello preread(const Segments& segments) const;

    struct Request {
        bool is_accepted = false;
        std::string method;
        std::string host;  ///< in small letters, without its port; empty for none
        std::string path;
        std::string upgrade;
    };
    Request request(const Segments& segments) const;

  private:
    Folder folder_;
    ServerProcess server_;
};

}  // namespace portsplit::judges
