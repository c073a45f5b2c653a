#include "config/placeholder.h"

#include <fmt/format.h>

namespace portsplit::config {

const char* internet_placeholder(const Key& key) {
    return key.takes.type == Type::Bind ? "ADDR:PORT" : "HOST:PORT";
}

std::string placeholder(const Key& key) {
    switch (key.takes.type) {
        case Type::Bind:
        case Type::Target:
            return fmt::format("{}|unix:PATH", internet_placeholder(key));
        case Type::Seconds:
            return "SECONDS";
        case Type::Number:
            return "NUMBER";
        case Type::Path:
        case Type::Folder:
            return "PATH";
        case Type::UserName:
        case Type::GroupName:
            return "NAME|NUMBER";
        case Type::Octal:
            return "OCTAL";
        case Type::Variable:
            return "NAME=VALUE|NAME LAYOUT.FIELD";
        case Type::VariableName:
            return "NAME";
        case Type::Bytes:
            return "BYTES";
        case Type::Hex:
            return "HEX";
        case Type::Regex:
            return "EXPRESSION";
        case Type::Program:
            return "PROGRAM";
        case Type::Text:
            return "TEXT";
        case Type::YesNo:
            return "yes|no";
        case Type::Include:
            return "NAME|PATH";
        case Type::Layout:
        case Type::ServiceName:
            return "NAME";
        case Type::ProxyTlv:
            return "crc32c|unique-id|TYPE LAYOUT.FIELD";
        case Type::Prefix:
            return "ADDR|ADDR/LENGTH|unix|none|@FILE";
        case Type::Rate:
            return "COUNT/SECONDS|0";
        case Type::Penalty:
            return key.takes.place == Place::Exec ? "exit:CODE SECONDS|signal SECONDS"
                                                  : "undecided SECONDS|crash SECONDS|rate SECONDS";
        case Type::Limit:
            return "RESOURCE SOFT[:HARD]";
        case Type::Nice:
            return "NUMBER";
        case Type::LogItem:
        case Type::Word:
            break;
    }
    std::string words = fmt::format("{}", fmt::join(key.takes.words, "|"));
    return key.takes.type == Type::LogItem ? words + "|LAYOUT.FIELD" : words;
}

}  // namespace portsplit::config
