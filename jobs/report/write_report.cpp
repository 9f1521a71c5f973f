#include "jobs/report/write_report.h"

#include <nlohmann/json.hpp>
#include <string>

#include "jobs/report/comparison_csv.h"
#include "jobs/report/latex_table.h"
#include "jobs/report/report_json.h"
#include "jobs/report/report_page.h"
#include "jobs/report/summary.h"
#include "pipeline/data/commit.h"

namespace jobs {

namespace {

namespace fs = std::filesystem;

/// A run's name as a part of a file's.
std::string file_part(std::string name) {
    for (char& c : name) {
        if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '_';
    }
    return name;
}

class ReportWriter {
  public:
    ReportWriter(const std::vector<fs::path>& folders, const fs::path& page)
        : runs_(read_report_runs(folders)), groups_(report_groups(runs_)), page_(page) {}

    void write_page() { commit(page_, report_page(runs_)); }

    void write_csv() {
        if (runs_.size() > 1) {
            commit(beside("summary.csv"), comparison_summary_csv(runs_, groups_));
            commit(beside("differences.csv"), comparison_differences_csv(runs_, groups_));
            return;
        }
        write_summary(runs_.front().results, page_.parent_path());
        written_.push_back(beside("summary.csv"));
        written_.push_back(beside("differences.csv"));
    }

    void write_json() {
        const nlohmann::json json = report_json(runs_, groups_);
        commit(beside("report.json"), json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    }

    void write_latex() { commit(beside("table.tex"), latex_table(runs_, groups_)); }

    void write_png(std::size_t images) {
        for (const ReportRun& run : runs_) {
            const std::string end = runs_.size() > 1 ? "-" + file_part(run.name) + ".png" : ".png";
            const fs::path table = beside("table" + end), samples = beside("samples" + end);
            if (write_contact_sheet(run.results, table, images)) written_.push_back(table);
            if (write_sample_grid(run.results, samples)) written_.push_back(samples);
        }
    }

    const std::vector<fs::path>& written() const { return written_; }

  private:
    fs::path beside(const std::string& name) const { return page_.parent_path() / name; }
    void commit(const fs::path& path, const std::string& text) {
        pipeline::commit_bytes(path, text);
        written_.push_back(path);
    }

    std::vector<ReportRun> runs_;
    std::vector<ReportGroup> groups_;
    fs::path page_;
    std::vector<fs::path> written_;
};

}  // namespace

std::vector<fs::path> write_report(const std::vector<fs::path>& folders, const fs::path& page,
                                   const ReportFiles& files) {
    ReportWriter writer(folders, page);
    writer.write_page();
    if (files.csv) writer.write_csv();
    if (files.json) writer.write_json();
    if (files.latex) writer.write_latex();
    if (files.png) writer.write_png(files.sheet_images);
    return writer.written();
}

}  // namespace jobs
