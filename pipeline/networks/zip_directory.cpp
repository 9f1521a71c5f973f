#include "pipeline/networks/zip_directory.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/tensor_file.h"

namespace pipeline {
namespace {

// Signatures and sizes from PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.
constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t end64_signature = 0x06064b50;
constexpr std::uint32_t locator64_signature = 0x07064b50;
constexpr std::uint32_t entry_signature = 0x02014b50;
constexpr std::uint32_t local_signature = 0x04034b50;
constexpr std::uint64_t end_size = 22, end64_size = 56, locator64_size = 20, entry_size = 46, local_size = 30;
constexpr std::uint64_t longest_comment = 65535;
constexpr std::uint64_t most_members = 1'000'000;
constexpr std::uint16_t extra_of_zip64 = 1;
constexpr std::uint32_t in_zip64 = 0xFFFFFFFFU;

struct Entry {
    std::string name;
    std::uint64_t size = 0;
    std::uint64_t compressed_size = 0;
    std::uint64_t local_header = 0;
};

class ZipReader {
  public:
    ZipReader(std::span<std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

    std::map<std::string, std::span<std::byte>> read() {
        find_directory();
        std::map<std::string, std::span<std::byte>> members;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
        std::uint64_t position = directory_;
        for (std::uint64_t i = 0; i < entries_; ++i) {
            const Entry entry = read_entry(position);
            const std::uint64_t data = data_of(entry);
            taken.emplace_back(entry.local_header, data + entry.size);
            if (!members.emplace(entry.name, bytes_.subspan(data, entry.size)).second) {
                refuse("two members are named '" + readable_name(entry.name) + "'");
            }
        }
        std::ranges::sort(taken);
        for (std::size_t i = 1; i < taken.size(); ++i) {
            if (taken[i].first < taken[i - 1].second)
                refuse("members overlap at byte " + std::to_string(taken[i].first));
        }
        return members;
    }

  private:
    [[noreturn]] void refuse(const std::string& what) const { throw CheckpointError(file_ + ": zip archive: " + what); }

    std::uint64_t number(std::uint64_t position, std::size_t count) const {
        if (position > bytes_.size() || count > bytes_.size() - position) refuse("a record leaves the file");
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            value |= static_cast<std::uint64_t>(bytes_[position + i]) << (8 * i);
        }
        return value;
    }

    void find_directory() {
        if (bytes_.size() < end_size) refuse("too short");
        const std::uint64_t last = bytes_.size() - end_size;
        std::uint64_t end = last;
        while (number(end, 4) != end_signature) {
            if (end == 0 || last - end >= longest_comment)
                refuse("its directory is missing at the end: a truncated file?");
            --end;
        }
        if (number(end + 4, 2) != 0 && number(end + 4, 2) != 0xFFFFU) refuse("one of several disks");
        entries_ = number(end + 10, 2);
        std::uint64_t size = number(end + 12, 4);
        directory_ = number(end + 16, 4);
        directory_end_ = end;
        if (end >= locator64_size && number(end - locator64_size, 4) == locator64_signature) {
            const std::uint64_t end64 = number(end - locator64_size + 8, 8);
            if (end64 > end - locator64_size || end - locator64_size - end64 < end64_size ||
                number(end64, 4) != end64_signature) {
                refuse("its ZIP64 directory record is not where it should be");
            }
            entries_ = number(end64 + 32, 8);
            size = number(end64 + 40, 8);
            directory_ = number(end64 + 48, 8);
            directory_end_ = end64;
        }
        if (directory_ > directory_end_ || size != directory_end_ - directory_) {
            refuse("its directory is not where its end says");
        }
        if (entries_ > most_members || entries_ * entry_size > size) {
            refuse(std::to_string(entries_) + " members, more than its directory holds");
        }
    }

    Entry read_entry(std::uint64_t& position) const {
        if (number(position, 4) != entry_signature) refuse("an entry of its directory is damaged");
        const std::uint64_t name_size = number(position + 28, 2);
        const std::uint64_t extra_size = number(position + 30, 2);
        const std::uint64_t comment_size = number(position + 32, 2);
        const std::uint64_t next = position + entry_size + name_size + extra_size + comment_size;
        if (next > directory_end_) refuse("an entry leaves its directory");

        Entry entry;
        const auto* name = reinterpret_cast<const char*>(bytes_.data()) + position + entry_size;
        entry.name.assign(name, name_size);
        const std::string shown = "member '" + readable_name(entry.name) + "'";
        if ((number(position + 8, 2) & 1U) != 0) refuse(shown + " is encrypted");
        if (number(position + 10, 2) != 0) refuse(shown + " is compressed; PyTorch stores members as they are");
        entry.compressed_size = number(position + 20, 4);
        entry.size = number(position + 24, 4);
        entry.local_header = number(position + 42, 4);
        read_zip64(entry, position + entry_size + name_size, extra_size);
        if (entry.size != entry.compressed_size) refuse(shown + " is stored with two different sizes");
        position = next;
        return entry;
    }

    /// Sizes and offsets that need 64 bits stand in an extra field, in this order, each only where it is needed.
    void read_zip64(Entry& entry, std::uint64_t position, std::uint64_t size) const {
        const std::uint64_t end = position + size;
        while (end - position >= 4) {
            const std::uint64_t kind = number(position, 2);
            const std::uint64_t length = number(position + 2, 2);
            position += 4;
            if (length > end - position) refuse("an extra field leaves its entry");
            if (kind == extra_of_zip64) {
                std::uint64_t at = position;
                for (std::uint64_t* value : {&entry.size, &entry.compressed_size, &entry.local_header}) {
                    if (*value != in_zip64) continue;
                    if (at + 8 > position + length) refuse("a ZIP64 field is too short");
                    *value = number(at, 8);
                    at += 8;
                }
            }
            position += length;
        }
    }

    std::uint64_t data_of(const Entry& entry) const {
        const std::string shown = "member '" + readable_name(entry.name) + "'";
        if (entry.local_header > directory_ || directory_ - entry.local_header < local_size)
            refuse(shown + " leaves the file");
        if (number(entry.local_header, 4) != local_signature) refuse(shown + " has no header");
        const std::uint64_t data =
            entry.local_header + local_size + number(entry.local_header + 26, 2) + number(entry.local_header + 28, 2);
        if (data > directory_ || entry.size > directory_ - data) refuse(shown + " leaves the file");
        return data;
    }

    std::span<std::byte> bytes_;
    const std::string& file_;
    std::uint64_t entries_ = 0;
    std::uint64_t directory_ = 0;
    std::uint64_t directory_end_ = 0;
};

}  // namespace

std::map<std::string, std::span<std::byte>> read_zip_directory(std::span<std::byte> bytes, const std::string& file) {
    return ZipReader(bytes, file).read();
}

}  // namespace pipeline
