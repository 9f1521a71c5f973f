#include "workers/option_page.h"

#include <span>
#include <string_view>

#include "jobs/job.h"
#include "jobs/job_options.h"
#include "operators/make_operator.h"
#include "pipeline/samplers/make_sampler.h"
#include "workers/input_words.h"

namespace workers {

namespace {

/// A table's cell: a bar would end it, a star and a bracket would set it in another way.
std::string cell(std::string_view text) {
    std::string escaped;
    for (const char character : text) {
        if (std::string_view("|*<").find(character) != std::string_view::npos) escaped += '\\';
        escaped += character;
    }
    return escaped;
}

/// A word of no list of words is explained by its help alone.
std::string allowed(const operators::Option& option) {
    const bool is_free = option.type == operators::OptionType::word && option.words.empty();
    return is_free ? "see right" : cell(operators::allowed_values(option));
}

std::string code(std::string_view text) {
    return text.empty() ? "" : "`" + std::string(text) + "`";
}

std::string table(std::span<const operators::Option> options) {
    std::string text = "| option | allowed | unit | default | list | what it does |\n|---|---|---|---|---|---|\n";
    for (const operators::Option& option : options) {
        text += "| " + code(option.name);
        text += " | " + allowed(option);
        text += " | " + cell(option.unit);
        text += " | " + code(option.default_text);
        text += option.is_axis ? " | yes | " : " | | ";
        text += cell(option.help);
        if (!option.paper.empty()) text += " *" + cell(option.paper) + "*";
        text += " |\n";
    }
    return text;
}

std::string paper_line(std::string_view paper) {
    return paper.empty() ? "" : "*" + cell(paper) + "*\n";
}

std::string method_part(const pipeline::MethodEntry& method) {
    std::string text = "\n### [" + std::string(method.name) + "]\n\n" + cell(method.summary) + "\n";
    text += paper_line(method.paper);
    text += "It " + std::string(input_words(method.input)) + ".";
    if (!method.default_operator.empty()) {
        text += " Here `operator` is " + code(method.default_operator) + " by default, `sigma-y` " +
                code(method.default_sigma_y) + ".";
    }
    text += "\n\n";
    return text + (method.options.empty() ? "No settings of its own.\n" : table(method.options));
}

std::string operator_part(const operators::OperatorEntry& entry) {
    std::string text = "\n### [" + std::string(entry.name) + "]\n\n" + cell(entry.summary) + "\n";
    text += paper_line(entry.paper) + "\n";
    return text + (entry.options.empty() ? "No settings.\n" : table(entry.options));
}

}  // namespace

std::string option_page() {
    std::string text = "## The job's own options\n\n" + table(jobs::job_options());
    text +=
        "\n## Sections of methods\n\nEvery method's section takes these besides its own; a method that generates "
        "takes neither `operator` nor\n`sigma-y`.\n\n" +
        table(jobs::section_options());
    for (const pipeline::MethodEntry& method : pipeline::method_table()) text += method_part(method);
    text += "\n## Sections of operators\n";
    for (const operators::OperatorEntry& entry : operators::operator_table()) text += operator_part(entry);
    return text;
}

}  // namespace workers
