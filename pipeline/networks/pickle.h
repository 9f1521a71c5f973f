#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <c10/core/ScalarType.h>

namespace pipeline {

/// A storage that a pickle speaks of: so many elements of one type, kept elsewhere in the file under a key.
struct PickledStorage {
    std::string key;
    at::ScalarType type = at::kFloat;
    std::int64_t elements = 0;
};

/// A view of a storage; offset and strides in elements.
struct PickledTensor {
    PickledStorage storage;
    std::int64_t offset = 0;
    std::vector<std::int64_t> sizes;
    std::vector<std::int64_t> strides;
};

/// A value that a restricted pickle can make.
struct PickleValue {
    enum class Kind {
        none,
        boolean,
        integer,
        long_integer,
        real,
        text,
        tuple,
        list,
        dictionary,
        global,
        storage,
        tensor
    };

    Kind kind = Kind::none;
    bool is_ordered = false;  ///< Of a dictionary: an OrderedDict.
    std::int64_t integer = 0;
    double real = 0;
    std::string text;                 ///< Text, a global's "module.name", a long integer's little-endian bytes.
    std::vector<PickleValue*> items;  ///< Of a dictionary: key, value, key, value, …
    PickledStorage storage;
    PickledTensor tensor;

    bool is(Kind wanted) const { return kind == wanted; }
    /// The value of a text key, nullptr where there is none.
    const PickleValue* find(std::string_view key) const;
};

/// A machine for the part of Python's pickle language (protocol 2) that a state dictionary of PyTorch needs, and for
/// nothing else: it builds numbers, texts, lists, dictionaries, storages and tensors. Nothing is imported, nothing
/// called; every other instruction and every other global is refused by its name.
///
/// The values live as long as the machine, in which they may refer to one another in any way.
class PickleMachine {
  public:
    /// @param bytes  of the file; a pickle's instructions may take 64 MiB at most
    /// @param file   for messages
    PickleMachine(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

    /// The value of the pickle that starts at `position`, which moves behind it.
    /// @throws CheckpointError  naming the file, the instruction or global, and where it stands
    PickleValue& read(std::size_t& position);

    /// Every storage that was spoken of, by key; of several with one key, the first.
    std::map<std::string, PickledStorage> storages() const;

  private:
    std::uint8_t byte();
    std::uint64_t little_endian(std::size_t count);
    std::string line();
    std::string characters(std::uint64_t count);

    PickleValue& make(PickleValue::Kind kind);
    void push(PickleValue::Kind kind) { stack_.push_back(&make(kind)); }
    PickleValue& pop();
    PickleValue& top();
    std::vector<PickleValue*> pop_to_mark();
    void remember(std::uint64_t place);
    void recall(std::uint64_t place);

    /// @return  false at the end of the pickle
    bool step();
    bool step_value(std::uint8_t instruction);
    bool step_container(std::uint8_t instruction);
    void push_tuple(std::size_t count);
    void count(std::size_t items);
    void append(PickleValue& list, const std::vector<PickleValue*>& items);
    void set_items(PickleValue& dictionary, const std::vector<PickleValue*>& items);
    void push_global();
    void reduce();
    void build();
    void push_storage();
    PickledTensor rebuilt_tensor(const PickleValue& arguments) const;

    [[noreturn]] void refuse(const std::string& what) const;

    std::span<const std::byte> bytes_;
    std::string file_;
    std::size_t position_ = 0;
    std::size_t start_ = 0;
    std::size_t instruction_at_ = 0;
    std::size_t items_ = 0;
    std::deque<PickleValue> values_;
    std::vector<PickleValue*> stack_;
    std::vector<std::size_t> marks_;
    std::vector<PickleValue*> memo_;
};

}  // namespace pipeline
