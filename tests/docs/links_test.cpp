#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "tests/docs/pages.h"

// A page's links lead somewhere: to a file of the checkout, and where they name a heading, to that heading.

namespace {

namespace fs = std::filesystem;

struct Link {
    std::string target;
    std::string heading;  ///< Behind '#'; empty where none is named.
};

/// Links outside code blocks, without those to other sites.
std::vector<Link> links_of(const std::string& page) {
    std::string text;
    bool is_inside = false;
    for (const std::string& line : test_docs::lines_of(page)) {
        if (line.starts_with("```")) is_inside = !is_inside;
        if (!is_inside) text += line + "\n";
    }
    std::vector<Link> links;
    const std::regex pattern(R"(\]\(([^)\s]+)\))");
    for (std::sregex_iterator found(text.begin(), text.end(), pattern), end; found != end; ++found) {
        const std::string whole = (*found)[1];
        if (whole.find("://") != std::string::npos) continue;
        const std::size_t hash = whole.find('#');
        links.push_back({whole.substr(0, hash), hash == std::string::npos ? "" : whole.substr(hash + 1)});
    }
    return links;
}

/// Headings as they are named in a link: small letters, hyphens for blanks, nothing else that is no letter or digit.
std::set<std::string> anchors_of(const std::string& page) {
    std::set<std::string> anchors;
    for (const std::string& line : test_docs::lines_of(page)) {
        if (!line.starts_with("#")) continue;
        std::string anchor;
        for (const char character : line.substr(line.find_first_not_of("# "))) {
            if (std::isalnum(static_cast<unsigned char>(character)) || character == '-' || character == '_' ||
                (character & 0x80)) {
                anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
            } else if (character == ' ') {
                anchor += '-';
            }
        }
        anchors.insert(anchor);
    }
    return anchors;
}

}  // namespace

TEST(Links, LeadSomewhere) {
    int count = 0;
    for (const fs::path& page : test_docs::all_pages()) {
        for (const Link& link : links_of(test_support::read_text(page))) {
            const fs::path target = link.target.empty() ? page : page.parent_path() / link.target;
            EXPECT_TRUE(fs::exists(target)) << page << ": " << link.target;
            if (!link.heading.empty()) {
                EXPECT_TRUE(anchors_of(test_support::read_text(target)).contains(link.heading))
                    << page << ": " << link.target << "#" << link.heading;
            }
            ++count;
        }
    }
    EXPECT_GE(count, 20);
}

TEST(Links, ReachEveryPageFromTheIndexAndTheReadme) {
    for (const std::string start : {"README.md", "docs/README.md"}) {
        const fs::path page = test_support::source_folder() / start;
        std::set<fs::path> linked = {page};
        for (const Link& link : links_of(test_support::read_text(page))) {
            linked.insert((page.parent_path() / link.target).lexically_normal());
        }
        for (const fs::path& other : test_docs::all_pages()) {
            const bool is_of_docs = other.parent_path().filename() == "docs";
            if (!is_of_docs) continue;
            EXPECT_TRUE(linked.contains(other)) << start << " does not link " << other;
        }
    }
}
