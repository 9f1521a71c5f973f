#include <iostream>
#include <string>
#include <vector>

#include "jobs/job_error.h"
#include "jobs/suggestion.h"
#include "operators/make_operator.h"
#include "pipeline/samplers/make_sampler.h"
#include "workers/commands.h"
#include "workers/input_words.h"
#include "workers/option_page.h"
#include "workers/option_text.h"
#include "workers/verdict.h"

namespace workers {

namespace {

void list_methods() {
    for (const pipeline::MethodEntry& method : pipeline::method_table()) {
        std::cout << method.name << "\n" << wrapped(method.summary, 2);
        if (!method.paper.empty()) std::cout << wrapped(method.paper, 2);
        std::cout << "  " << input_words(method.input) << "; a network call costs " << method.cost_per_call
                  << " forward passes\n";
        if (!method.default_operator.empty()) std::cout << "  operator: " << method.default_operator << " by default\n";
        if (!method.default_sigma_y.empty()) std::cout << "  sigma-y: " << method.default_sigma_y << " by default\n";
        std::cout << option_text(method.options, std::string(method.name) + ".") << "\n";
    }
    std::cout << "every method's section may also set\n" << option_text(jobs::section_options(), "");
}

void list_operators() {
    for (const operators::OperatorEntry& entry : operators::operator_table()) {
        std::cout << entry.name << "\n" << wrapped(entry.summary, 2);
        if (!entry.paper.empty()) std::cout << wrapped(entry.paper, 2);
        std::cout << option_text(entry.options, std::string(entry.name) + ".") << "\n";
    }
}

void list_options() {
    std::cout << "Of a job file, and of a command line with two hyphens before the name.\n\n"
              << option_text(jobs::job_options(), "") << "\nevery method's section may also set\n"
              << option_text(jobs::section_options(), "") << "\n'diffinv list methods' and 'diffinv list operators' "
              << "show their sections; --markdown writes all of it as docs/job_file.md has it.\n";
}

void list_metrics() {
    std::cout
        << "All are taken on images clamped to [-1, 1], per image, against the truth.\n\n"
           "psnr              10 log10(1/mse) in dB on [0, 1], mean over channels and pixels\n"
           "ssim              structural similarity (Wang et al. 2004): 11x11 Gaussian window, sigma 1.5; sides of\n"
           "                  11 pixels and more\n"
           "lpips             perceptual distance v0.1 (Zhang et al. 2018); the net is recorded with the number,\n"
           "                  alex by default\n"
           "psnr_measurement  psnr of y itself, where y is an image\n"
           "residual          |y - A x| / (sigma_y sqrt(m)), about 1 where x explains y up to its noise; none where\n"
           "                  sigma_y is 0\n"
           "nfe               network calls an image\n";
}

}  // namespace

int list_command(Arguments& arguments) {
    constexpr std::string_view expected = "methods, operators, metrics or options";
    const std::string what = arguments.only_word("list", expected);
    arguments.expect_no_options("list");
    if (arguments.has_flag("markdown") && what != "options") {
        throw jobs::JobError("list: --markdown with '" + what + "', expected options");
    }
    if (what == "methods") {
        list_methods();
    } else if (what == "operators") {
        list_operators();
    } else if (what == "metrics") {
        list_metrics();
    } else if (what == "options" && arguments.has_flag("markdown")) {
        std::cout << option_page();
    } else if (what == "options") {
        list_options();
    } else {
        const std::vector<std::string> known = {"methods", "operators", "metrics", "options"};
        throw jobs::JobError("list: '" + what + "'" + jobs::suggestion(what, known) + ", expected " +
                             std::string(expected));
    }
    return exit_done;
}

}  // namespace workers
