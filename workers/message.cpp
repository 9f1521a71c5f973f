#include "workers/message.h"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace workers {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<MessageKind, std::string_view>, 13> kind_names = {{
    {MessageKind::hello, "hello"},
    {MessageKind::loaded, "loaded"},
    {MessageKind::ready, "ready"},
    {MessageKind::beat, "beat"},
    {MessageKind::done, "done"},
    {MessageKind::failed, "failed"},
    {MessageKind::refused, "refused"},
    {MessageKind::alive, "alive"},
    {MessageKind::unit, "unit"},
    {MessageKind::stop, "stop"},
    {MessageKind::plan, "plan"},
    {MessageKind::lay_down, "lay_down"},
    {MessageKind::laid_down, "laid_down"},
}};

/// Calls visit(name, field) for every field, so that writing and reading cannot drift apart.
template <class Visitor>
void visit_fields(const Visitor& visit) {
    visit("unit", &Message::unit);
    visit("seconds", &Message::seconds);
    visit("seconds_sampling", &Message::seconds_sampling);
    visit("diverged", &Message::diverged);
    visit("unreadable", &Message::unreadable);
    visit("may_pass", &Message::may_pass);
    visit("exit_code", &Message::exit_code);
    visit("process", &Message::process);
    visit("checksum", &Message::checksum);
    visit("host", &Message::host);
    visit("device", &Message::device);
    visit("digest", &Message::digest);
    visit("reason", &Message::reason);
    visit("folder", &Message::folder);
}

}  // namespace

std::string to_text(const Message& message) {
    static const Message defaults;
    Json json;
    for (const auto& [kind, name] : kind_names) {
        if (kind == message.kind) json["kind"] = name;
    }
    visit_fields([&](const char* name, auto field) {
        if (message.*field != defaults.*field) json[name] = message.*field;
    });
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
        visit_fields([&](const char* name, auto field) {
            if (json.contains(name)) json.at(name).get_to(message.*field);
        });
        return message;
    } catch (const Json::exception& error) {
        throw std::invalid_argument("message '" + text.substr(0, 80) + "' cannot be read: " + error.what());
    }
}

}  // namespace workers
