#include "tests/docs/pages.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace test_docs {

namespace fs = std::filesystem;

namespace {

std::string trimmed_cell(const std::string& text) {
    const auto first = text.find_first_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::string cell;
    for (std::size_t i = 1; i < line.size(); ++i) {
        if (line[i] == '|' && line[i - 1] != '\\') {
            cells.push_back(trimmed_cell(cell));
            cell.clear();
        } else {
            cell += line[i];
        }
    }
    return cells;
}

}  // namespace

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::vector<CodeBlock> code_blocks(const std::string& page) {
    std::vector<CodeBlock> blocks;
    bool is_inside = false;
    for (const std::string& line : lines_of(page)) {
        if (line.starts_with("```")) {
            is_inside = !is_inside;
            if (is_inside) blocks.push_back({line.substr(3), ""});
        } else if (is_inside) {
            blocks.back().text += line + "\n";
        }
    }
    if (is_inside) throw std::runtime_error("a page's last code block is not closed");
    return blocks;
}

std::vector<std::vector<std::string>> table_below(const std::string& page, const std::string& heading) {
    std::vector<std::vector<std::string>> rows;
    bool is_below = false;
    for (const std::string& line : lines_of(page)) {
        if (line == heading) {
            is_below = true;
        } else if (is_below && line.starts_with("|")) {
            rows.push_back(cells_of(line));
        } else if (!rows.empty()) {
            break;
        }
    }
    if (rows.size() < 3) throw std::runtime_error("there is no table below '" + heading + "'");
    rows.erase(rows.begin(), rows.begin() + 2);
    return rows;
}

std::string without_backticks(const std::string& cell) {
    const bool is_code = cell.size() > 2 && cell.front() == '`' && cell.back() == '`';
    return is_code ? cell.substr(1, cell.size() - 2) : cell;
}

std::vector<fs::path> all_pages() {
    const fs::path source = test_support::source_folder();
    std::vector<fs::path> pages = {source / "README.md", source / "CONVENTIONS.md"};
    for (const auto& entry : fs::directory_iterator(source / "docs")) {
        if (entry.path().extension() == ".md") pages.push_back(entry.path());
    }
    std::ranges::sort(pages);
    return pages;
}

std::string page_text(const std::string& name) {
    const std::string text = test_support::read_text(test_support::source_folder() / name);
    if (text.empty()) throw std::runtime_error("there is no page " + name);
    return text;
}

Sandbox::Sandbox() {
    const fs::path jobs = test_support::source_folder() / "jobs";
    fs::create_directories(folder_ / "photos");
    fs::create_directories(folder_ / "build");
    fs::create_directories(folder_ / "damaged");
    fs::create_directories(folder_ / "masks");
    for (const char* photo : {"chelsea.png", "coffee.png", "kodim07.png"}) {
        fs::copy_file(jobs / "quickstart" / "images" / photo, folder_ / "photos" / photo);
        fs::copy_file(jobs / "quickstart" / "images" / photo, folder_ / "damaged" / photo);
        fs::copy_file(jobs / "examples" / "masks" / "stripes.png", folder_ / "masks" / photo);
    }
    fs::create_symlink(jobs, folder_ / "jobs");
    fs::create_symlink(test_support::source_folder() / "docs", folder_ / "docs");
    fs::create_symlink(jobs / "quickstart" / "model", folder_ / "ffhq_10m.pt");
    fs::create_symlink(test_support::binary_folder(), folder_ / "build" / "release");
}

test_support::CommandResult Sandbox::run(const std::string& command) const {
    return test_support::run_command("cd '" + folder_.path().string() + "' && PATH='" +
                                     test_support::binary_folder().string() + "':\"$PATH\" && " + command);
}

}  // namespace test_docs
