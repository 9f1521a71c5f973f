#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jobs/report/report_runs.h"

namespace jobs {

/// The results as papers print them: methods down, operators with their noise across, PSNR, SSIM and LPIPS of each as
/// mean ± standard error, the best bold, the second underlined; three measurements to a `tabular`, which needs the
/// package booktabs. Metrics that no method has are left out, and generated images, which have none.
std::string latex_table(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups);

/// Text with LaTeX's own characters escaped, control characters as spaces.
std::string latex_escaped(std::string_view text);

}  // namespace jobs
