#include "workers/message.h"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace workers {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<MessageKind, std::string_view>, 9> kind_names = {{
    {MessageKind::hello, "hello"},
    {MessageKind::ready, "ready"},
    {MessageKind::beat, "beat"},
    {MessageKind::done, "done"},
    {MessageKind::failed, "failed"},
    {MessageKind::refused, "refused"},
    {MessageKind::unit, "unit"},
    {MessageKind::stop, "stop"},
    {MessageKind::plan, "plan"},
}};

/// Calls visit(name, field) for every field, so that writing and reading cannot drift apart.
template <class AnyMessage, class Visitor>
void visit_fields(AnyMessage& message, const Visitor& visit) {
    visit("unit", message.unit);
    visit("seconds", message.seconds);
    visit("seconds_sampling", message.seconds_sampling);
    visit("diverged", message.diverged);
    visit("unreadable", message.unreadable);
    visit("may_pass", message.may_pass);
    visit("exit_code", message.exit_code);
    visit("process", message.process);
    visit("checksum", message.checksum);
    visit("host", message.host);
    visit("device", message.device);
    visit("digest", message.digest);
    visit("reason", message.reason);
    visit("folder", message.folder);
}

}  // namespace

std::string to_text(const Message& message) {
    Json all, defaults;
    const Message standard;
    visit_fields(message, [&](const char* name, const auto& field) { all[name] = field; });
    visit_fields(standard, [&](const char* name, const auto& field) { defaults[name] = field; });
    Json json;
    for (const auto& [kind, name] : kind_names) {
        if (kind == message.kind) json["kind"] = name;
    }
    for (const auto& [name, value] : all.items()) {
        if (value != defaults[name]) json[name] = value;
    }
    // Reasons may quote bytes of broken files.
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Message parse_message(const std::string& text) {
    try {
        const Json json = Json::parse(text);
        Message message;
        const std::string kind_name = json.at("kind").get<std::string>();
        bool is_known = false;
        for (const auto& [kind, name] : kind_names) {
            if (name != kind_name) continue;
            message.kind = kind;
            is_known = true;
        }
        if (!is_known) throw std::invalid_argument("unknown kind '" + kind_name + "'");
        visit_fields(message, [&](const char* name, auto& field) {
            if (json.contains(name)) json.at(name).get_to(field);
        });
        return message;
    } catch (const Json::exception& error) {
        throw std::invalid_argument("message '" + text.substr(0, 80) + "' cannot be read: " + error.what());
    }
}

}  // namespace workers
