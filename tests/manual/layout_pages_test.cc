#include "manual/layout_pages.h"

#include <gtest/gtest.h>

namespace portsplit::manual {
namespace {

LayoutPage meow() {
    return {{.name = "meow",
             .title = "Meow: the greeting.",
             .source = "RFC 1",
             .notes = "Said by cats. And others.",
             .fields = {{"name", "who meows. To whom is not said."}, {"age", "the age."}},
             .lines = {"[layout meow]", "start = 'MEOW'"},
             .layout = {}},
            {client_name("meow", "meow", "tom"), client_name("meow", "purr", "tom")}};
}

TEST(LayoutPages, HaveNotesSourceFieldsRulesAndClients) {
    EXPECT_EQ(layout_section(meow()),
              ".Ss Layout meow\nMeow: the greeting.\nSaid by cats.\nAnd others.\n"
              ".Pp\nSource: RFC 1.\n"
              ".Bl -tag -width Ds\n"
              ".It meow.name\nwho meows.\nTo whom is not said.\n.It meow.age\nthe age.\n.El\n"
              ".Bd -literal -offset indent\n"
              "\\&[layout meow]\n\\&start = \\[u0027]MEOW\\[u0027]\n.Ed\n"
              ".Pp\nRecorded: tom, purr/tom.\n");
}

TEST(LayoutPages, HaveATableOfTheFields) {
    EXPECT_EQ(layout_table({meow()}),
              ".Bl -column \"proxy-protocol\"\n.It Em Layout Ta Em Fields\n.It meow Ta\nname, "
              "age\n.El\n");
}

}  // namespace
}  // namespace portsplit::manual
