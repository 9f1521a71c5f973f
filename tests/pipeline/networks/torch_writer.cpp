#include "tests/pipeline/networks/torch_writer.h"

#include <cstring>
#include <sstream>
#include <utility>

namespace torch_writer {
namespace {

std::string little_endian(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>((value >> (8 * i)) & 0xFFU);
    return text;
}

std::string joined(const std::vector<std::string>& items) {
    std::string all;
    for (const std::string& item : items) all += item;
    return all;
}

std::string numbers(const std::vector<std::int64_t>& values) {
    std::vector<std::string> items;
    for (const std::int64_t value : values) items.push_back(integer(value));
    return tuple(items);
}

}  // namespace

std::string protocol() {
    return "\x80\x02";
}

std::string text(const std::string& value) {
    return "X" + little_endian(value.size(), 4) + value;
}

std::string integer(std::int64_t value) {
    return "J" + little_endian(static_cast<std::uint64_t>(value), 4);
}

std::string global(const std::string& module, const std::string& name) {
    return "c" + module + "\n" + name + "\n";
}

std::string tuple(const std::vector<std::string>& items) {
    return "(" + joined(items) + "t";
}

std::string list(const std::vector<std::string>& items) {
    return "](" + joined(items) + "e";
}

std::string dictionary(const std::vector<std::string>& keys_and_values) {
    return call(global("collections", "OrderedDict"), tuple({})) + "(" + joined(keys_and_values) + "u";
}

std::string call(const std::string& function, const std::string& arguments) {
    return function + arguments + "R";
}

std::string storage(const Storage& storage) {
    std::vector<std::string> items = {text("storage"), global("torch", storage.type), text(storage.key), text("cpu"),
                                      integer(storage.elements)};
    if (storage.is_legacy) items.emplace_back("N");
    return tuple(items) + "Q";
}

std::string tensor(const Storage& of, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                   const std::vector<std::int64_t>& strides) {
    return call(global("torch._utils", "_rebuild_tensor_v2"),
                tuple({storage(of), integer(offset), numbers(sizes), numbers(strides), "\x89", dictionary({})}));
}

void ZipWriter::number(std::uint64_t value, int bytes) {
    out_ << little_endian(value, bytes);
    position_ += static_cast<std::uint64_t>(bytes);
}

void ZipWriter::add(const std::string& name, std::uint64_t size, const std::function<void(std::ostream&)>& write,
                    std::uint16_t method) {
    entries_.push_back({name, size, position_, method});
    const std::uint64_t before = position_ + 30 + name.size() + 4;
    const std::uint64_t padding = (64 - before % 64) % 64;
    number(0x04034b50, 4);
    number(0, 2), number(0, 2), number(method, 2), number(0, 4), number(0, 4);
    number(size, 4), number(size, 4), number(name.size(), 2), number(4 + padding, 2);
    out_ << name << "FB" << little_endian(padding, 2) << std::string(padding, 'Z');
    position_ = before + padding;
    write(out_);
    position_ += size;
}

void ZipWriter::add(const std::string& name, const std::string& content, std::uint16_t method) {
    add(
        name, content.size(), [&](std::ostream& out) { out << content; }, method);
}

void ZipWriter::finish(bool is_zip64) {
    const std::uint64_t directory = position_;
    constexpr std::uint64_t elsewhere = 0xFFFFFFFF;
    for (const Entry& entry : entries_) {
        number(0x02014b50, 4);
        number(0, 2), number(0, 2), number(0, 2), number(entry.method, 2), number(0, 4), number(0, 4);
        number(is_zip64 ? elsewhere : entry.size, 4), number(is_zip64 ? elsewhere : entry.size, 4);
        number(entry.name.size(), 2), number(is_zip64 ? 28 : 0, 2), number(0, 2), number(0, 2), number(0, 2);
        number(0, 4), number(is_zip64 ? elsewhere : entry.local_header, 4);
        out_ << entry.name;
        position_ += entry.name.size();
        if (is_zip64)
            number(1, 2), number(24, 2), number(entry.size, 8), number(entry.size, 8), number(entry.local_header, 8);
    }
    const std::uint64_t size = position_ - directory;
    const std::uint64_t end64 = position_;
    if (is_zip64) {
        number(0x06064b50, 4), number(44, 8), number(0, 2), number(0, 2), number(0, 4), number(0, 4);
        number(entries_.size(), 8), number(entries_.size(), 8), number(size, 8), number(directory, 8);
        number(0x07064b50, 4), number(0, 4), number(end64, 8), number(1, 4);
    }
    number(0x06054b50, 4), number(0, 2), number(0, 2);
    number(entries_.size(), 2), number(entries_.size(), 2);
    number(is_zip64 ? elsewhere : size, 4), number(is_zip64 ? elsewhere : directory, 4), number(0, 2);
}

std::string zip_file(const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& storages) {
    std::ostringstream out;
    ZipWriter zip(out);
    zip.add("archive/data.pkl", pickle);
    for (const auto& [key, content] : storages) zip.add("archive/data/" + key, content);
    zip.add("archive/version", "3\n");
    zip.finish();
    return out.str();
}

std::string legacy_pickles(const std::string& pickle, const std::vector<std::string>& keys) {
    std::string bytes = protocol() + "\x8a\x0a" + "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" + ".";
    bytes += protocol() + integer(1001) + ".";
    bytes += protocol() + "}(" + text("protocol_version") + integer(1001) + text("little_endian") + "\x88" + "u.";
    bytes += pickle;
    std::vector<std::string> items;
    for (const std::string& key : keys) items.push_back(text(key));
    return bytes + protocol() + list(items) + ".";
}

std::string legacy_file(const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& storages,
                        std::size_t bytes_per_element) {
    std::vector<std::string> keys;
    for (const auto& [key, content] : storages) keys.push_back(key);
    std::string bytes = legacy_pickles(pickle, keys);
    for (const auto& [key, content] : storages) {
        bytes += little_endian(content.size() / bytes_per_element, 8) + content;
    }
    return bytes;
}

std::string floats(std::size_t count) {
    std::string bytes(count * sizeof(float), '\0');
    for (std::size_t i = 0; i < count; ++i) {
        const auto value = static_cast<float>(i);
        std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
    }
    return bytes;
}

}  // namespace torch_writer
