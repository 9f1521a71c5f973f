#include "jobs/report/report_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "jobs/report/page_files.h"
#include "jobs/report/page_images.h"
#include "jobs/report/page_values.h"
#include "jobs/report/picture_bytes.h"
#include "jobs/report/report_json.h"
#include "pipeline/data/sha256.h"

namespace jobs {

namespace {

constexpr std::size_t most_lines = 4000;

/// A script by its content, as a Content-Security-Policy names it.
std::string script_hash(std::string_view script) {
    const std::string digits = pipeline::sha256(script);
    std::string bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    }
    return "'sha256-" + base64(bytes) + "'";
}

/// Puts texts into their places {{name}}; what is put in is not looked at again.
std::string filled(std::string_view html, const std::vector<std::pair<std::string_view, std::string_view>>& texts) {
    std::string page;
    for (std::size_t at = 0; at < html.size();) {
        const std::size_t open = std::min(html.find("{{", at), html.size());
        page += html.substr(at, open - at);
        if (open == html.size()) break;
        const std::size_t close = html.find("}}", open);
        const std::string_view name = html.substr(open + 2, close - open - 2);
        const auto text = std::ranges::find(texts, name, &std::pair<std::string_view, std::string_view>::first);
        if (close == std::string_view::npos || text == texts.end()) {
            throw std::logic_error("page.html: no text for {{" + std::string(name) + "}}");
        }
        page += text->second;
        at = close + 2;
    }
    return page;
}

/// The first lines of all groups; how many were left out.
std::size_t keep_lines(std::vector<ReportGroup>& groups) {
    std::size_t kept = 0, left_out = 0;
    for (ReportGroup& group : groups) {
        const std::size_t room = std::min(group.lines.size(), most_lines - kept);
        left_out += group.lines.size() - room;
        kept += room;
        group.lines.resize(room);
    }
    std::erase_if(groups, [](const ReportGroup& group) { return group.lines.empty(); });
    return left_out;
}

}  // namespace

std::string report_page(const std::vector<ReportRun>& runs, std::size_t most_bytes) {
    std::vector<ReportGroup> groups = report_groups(runs);
    const std::size_t left_out = keep_lines(groups);
    nlohmann::json json = report_json(runs, groups);
    json["page"] = {{"points_left_out", left_out}, {"values", page_values(runs, groups)}};
    const PageFiles files = page_files();
    const std::size_t rest = json_for_page(json).size() + files.html.size() + files.style.size() + files.chart.size() +
                             files.licence.size() + files.script.size();
    json["page"]["images"] = page_images(runs, groups, most_bytes - std::min(most_bytes, rest + most_bytes / 20));
    const std::string data = json_for_page(json);
    const std::string policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src " +
                               script_hash(files.chart) + " " + script_hash(files.script);
    return filled(files.html, {{"policy", policy},
                               {"style", files.style},
                               {"data", data},
                               {"chart", files.chart},
                               {"licence", files.licence},
                               {"script", files.script}});
}

}  // namespace jobs
