#include "pipeline/networks/pickle.h"

#include <algorithm>
#include <bit>

#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/tensor_file.h"

namespace pipeline {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t most_bytes = 64U << 20U;
constexpr std::size_t most_values = 2'000'000;
constexpr std::size_t most_items = 4'000'000;
constexpr std::uint64_t longest_text = 1U << 20U;
constexpr std::uint64_t largest_memo = 8'000'000;
constexpr const char* converter =
    "; in Python, safetensors.torch.save_file(torch.load(FILE, weights_only=True), NAME) makes a file that is read";

/// The instructions of protocol 2 that are known here (Python's pickletools has their descriptions).
enum Instruction : std::uint8_t {
    mark = '(',
    stop = '.',
    none = 'N',
    new_true = 0x88,
    new_false = 0x89,
    binary_integer = 'J',
    binary_integer_1 = 'K',
    binary_integer_2 = 'M',
    long_1 = 0x8A,
    binary_float = 'G',
    binary_unicode = 'X',
    binary_string = 'T',
    short_binary_string = 'U',
    empty_dictionary = '}',
    empty_list = ']',
    empty_tuple = ')',
    tuple = 't',
    tuple_1 = 0x85,
    tuple_2 = 0x86,
    tuple_3 = 0x87,
    append_one = 'a',
    append_many = 'e',
    set_item = 's',
    set_many = 'u',
    put = 'q',
    long_put = 'r',
    get = 'h',
    long_get = 'j',
    protocol = 0x80,
    global = 'c',
    reduce_call = 'R',
    build_object = 'b',
    persistent = 'Q',
};

std::string hexadecimal(std::uint8_t value) {
    constexpr char digits[] = "0123456789abcdef";
    return {'0', 'x', digits[value >> 4U], digits[value & 15U]};
}

}  // namespace

const PickleValue* PickleValue::find(std::string_view key) const {
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        if (items[i]->is(Kind::text) && items[i]->text == key) return items[i + 1];
    }
    return nullptr;
}

void PickleMachine::refuse(const std::string& what) const {
    throw CheckpointError(file_ + ": pickle, byte " + std::to_string(instruction_at_) + ": " + what);
}

std::uint8_t PickleMachine::byte() {
    if (position_ >= bytes_.size()) refuse("the file ends inside it");
    if (position_ - start_ >= most_bytes) refuse("longer than the allowed 64 MiB");
    return static_cast<std::uint8_t>(bytes_[position_++]);
}

std::uint64_t PickleMachine::little_endian(std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= static_cast<std::uint64_t>(byte()) << (8 * i);
    return value;
}

std::string PickleMachine::line() {
    std::string text;
    for (auto c = static_cast<char>(byte()); c != '\n'; c = static_cast<char>(byte())) {
        if (text.size() >= 1000) refuse("a global's name of more than 1000 bytes");
        text += c;
    }
    return text;
}

std::string PickleMachine::characters(std::uint64_t count) {
    if (count > longest_text) refuse("a text of " + std::to_string(count) + " bytes, allowed are 1048576");
    if (count > bytes_.size() - position_) refuse("the file ends inside a text");
    const auto* start = reinterpret_cast<const char*>(bytes_.data()) + position_;
    position_ += count;
    return {start, count};
}

PickleValue& PickleMachine::make(Kind kind) {
    if (values_.size() >= most_values) refuse("more than the allowed " + std::to_string(most_values) + " values");
    PickleValue& value = values_.emplace_back();
    value.kind = kind;
    return value;
}

PickleValue& PickleMachine::pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("an instruction lacks its operand");
    PickleValue& value = *stack_.back();
    stack_.pop_back();
    return value;
}

PickleValue& PickleMachine::top() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("an instruction lacks its operand");
    return *stack_.back();
}

std::vector<PickleValue*> PickleMachine::pop_to_mark() {
    if (marks_.empty()) refuse("an instruction lacks its mark");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleValue*> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
}

void PickleMachine::remember(std::uint64_t place) {
    // Python numbers them from 0 without gaps
    if (place > memo_.size() || place > largest_memo) refuse("memo entry " + std::to_string(place) + " is out of turn");
    if (place == memo_.size()) memo_.push_back(nullptr);
    memo_[place] = &top();
}

void PickleMachine::recall(std::uint64_t place) {
    if (place >= memo_.size()) refuse("memo entry " + std::to_string(place) + " does not exist");
    stack_.push_back(memo_[place]);
}

void PickleMachine::push_tuple(std::size_t count) {
    PickleValue& value = make(Kind::tuple);
    value.items.resize(count);
    for (std::size_t i = count; i-- > 0;) value.items[i] = &pop();
    stack_.push_back(&value);
}

void PickleMachine::count(std::size_t items) {
    // One short instruction can put a long list into yet another dictionary
    items_ += items;
    if (items_ > most_items) refuse("more than the allowed " + std::to_string(most_items) + " items");
}

void PickleMachine::append(PickleValue& list, const std::vector<PickleValue*>& items) {
    if (!list.is(Kind::list)) refuse("APPEND to what is no list");
    count(items.size());
    list.items.insert(list.items.end(), items.begin(), items.end());
}

void PickleMachine::set_items(PickleValue& dictionary, const std::vector<PickleValue*>& items) {
    if (!dictionary.is(Kind::dictionary)) refuse("SETITEM of what is no dictionary");
    if (items.size() % 2 != 0) refuse("SETITEMS with a key that has no value");
    count(items.size());
    dictionary.items.insert(dictionary.items.end(), items.begin(), items.end());
}

PickleValue& PickleMachine::read(std::size_t& position) {
    position_ = start_ = instruction_at_ = position;
    stack_.clear();
    marks_.clear();
    memo_.clear();
    while (step()) {
    }
    if (!marks_.empty() || stack_.size() != 1)
        refuse("it ends with " + std::to_string(stack_.size()) + " values, not one");
    position = position_;
    return *stack_.back();
}

bool PickleMachine::step() {
    instruction_at_ = position_;
    const std::uint8_t instruction = byte();
    if (instruction == stop) return false;
    if (step_value(instruction) || step_container(instruction)) return true;
    switch (instruction) {
        case protocol:
            if (const std::uint8_t version = byte(); version != 2) {
                refuse("protocol " + std::to_string(version) + ", read is 2" + converter);
            }
            return true;
        case global:
            push_global();
            return true;
        case reduce_call:
            reduce();
            return true;
        case build_object:
            build();
            return true;
        case persistent:
            push_storage();
            return true;
        default:
            refuse("instruction " + hexadecimal(instruction) + " is none that a state dictionary needs" + converter);
    }
}

bool PickleMachine::step_value(std::uint8_t instruction) {
    const auto push_integer = [&](std::int64_t number) {
        push(Kind::integer);
        top().integer = number;
    };
    switch (instruction) {
        case none:
            push(Kind::none);
            return true;
        case new_true:
        case new_false:
            push(Kind::boolean);
            top().integer = instruction == new_true ? 1 : 0;
            return true;
        case binary_integer:
            push_integer(static_cast<std::int32_t>(little_endian(4)));
            return true;
        case binary_integer_1:
            push_integer(static_cast<std::int64_t>(little_endian(1)));
            return true;
        case binary_integer_2:
            push_integer(static_cast<std::int64_t>(little_endian(2)));
            return true;
        case long_1: {
            const std::size_t count = byte();
            if (count > 8) {
                std::string digits = characters(count);
                push(Kind::long_integer);
                top().text = std::move(digits);
                return true;
            }
            std::uint64_t number = little_endian(count);
            // Two's complement of `count` bytes
            if (count > 0 && count < 8 && (number >> (8 * count - 1)) != 0) number |= ~std::uint64_t{0} << (8 * count);
            push_integer(static_cast<std::int64_t>(number));
            return true;
        }
        case binary_float: {
            std::uint64_t bits = 0;  // big-endian
            for (int i = 0; i < 8; ++i) bits = bits << 8U | byte();
            push(Kind::real);
            top().real = std::bit_cast<double>(bits);
            return true;
        }
        case binary_unicode:
        case binary_string:
        case short_binary_string: {
            std::string text = characters(little_endian(instruction == short_binary_string ? 1 : 4));
            push(Kind::text);
            top().text = std::move(text);
            return true;
        }
        default:
            return false;
    }
}

bool PickleMachine::step_container(std::uint8_t instruction) {
    switch (instruction) {
        case mark:
            marks_.push_back(stack_.size());
            return true;
        case empty_dictionary:
            push(Kind::dictionary);
            return true;
        case empty_list:
            push(Kind::list);
            return true;
        case empty_tuple:
        case tuple_1:
        case tuple_2:
        case tuple_3:
            push_tuple(instruction == empty_tuple ? 0 : instruction - tuple_1 + 1U);
            return true;
        case tuple: {
            std::vector<PickleValue*> items = pop_to_mark();
            push(Kind::tuple);
            top().items = std::move(items);
            return true;
        }
        case append_one: {
            PickleValue& item = pop();
            append(top(), {&item});
            return true;
        }
        case append_many: {
            const std::vector<PickleValue*> items = pop_to_mark();
            append(top(), items);
            return true;
        }
        case set_item: {
            PickleValue& value = pop();
            PickleValue& key = pop();
            set_items(top(), {&key, &value});
            return true;
        }
        case set_many: {
            const std::vector<PickleValue*> items = pop_to_mark();
            set_items(top(), items);
            return true;
        }
        case put:
            remember(little_endian(1));
            return true;
        case long_put:
            remember(little_endian(4));
            return true;
        case get:
            recall(little_endian(1));
            return true;
        case long_get:
            recall(little_endian(4));
            return true;
        default:
            return false;
    }
}

}  // namespace pipeline
