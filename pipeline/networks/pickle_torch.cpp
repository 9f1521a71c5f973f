// What PyTorch adds to the pickle language: the few globals of a state dictionary, and storages.
#include <string>
#include <string_view>
#include <utility>

#include <ATen/core/Tensor.h>

#include "pipeline/networks/pickle.h"
#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/tensor_file.h"

namespace pipeline {
namespace {

using Kind = PickleValue::Kind;

struct StorageName {
    std::string_view global;
    at::ScalarType type;
};
constexpr StorageName storage_names[] = {
    {"torch.FloatStorage", at::kFloat}, {"torch.DoubleStorage", at::kDouble},     {"torch.HalfStorage", at::kHalf},
    {"torch.LongStorage", at::kLong},   {"torch.BFloat16Storage", at::kBFloat16}, {"torch.IntStorage", at::kInt},
    {"torch.ShortStorage", at::kShort}, {"torch.CharStorage", at::kChar},         {"torch.ByteStorage", at::kByte},
    {"torch.BoolStorage", at::kBool},
};

constexpr std::string_view ordered_dictionary = "collections.OrderedDict";
constexpr std::string_view rebuild_tensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view rebuild_parameter = "torch._utils._rebuild_parameter";

const StorageName* find_storage(std::string_view global) {
    for (const StorageName& name : storage_names) {
        if (name.global == global) return &name;
    }
    return nullptr;
}

bool is_known_global(std::string_view name) {
    return name == ordered_dictionary || name == rebuild_tensor || name == rebuild_parameter ||
           find_storage(name) != nullptr;
}

bool is_empty_hooks(const PickleValue& value) {
    return value.is(Kind::none) || (value.is(Kind::dictionary) && value.items.empty());
}

/// Whole numbers ≥ 0 of a tuple, at most 16 of them.
bool are_sizes(const PickleValue& value) {
    if (!value.is(Kind::tuple) || value.items.size() > 16) return false;
    for (const PickleValue* item : value.items) {
        if (!item->is(Kind::integer) || item->integer < 0) return false;
    }
    return true;
}

std::vector<std::int64_t> numbers_of(const PickleValue& value) {
    std::vector<std::int64_t> numbers;
    for (const PickleValue* item : value.items) numbers.push_back(item->integer);
    return numbers;
}

/// Whether every element of the view lies in its storage: offset + Σ (size − 1) · stride < elements.
bool is_inside(const PickledTensor& tensor) {
    std::int64_t last = tensor.offset;
    for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
        if (tensor.sizes[i] == 0) return tensor.offset <= tensor.storage.elements;
    }
    for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
        std::int64_t span = 0;
        if (__builtin_mul_overflow(tensor.sizes[i] - 1, tensor.strides[i], &span) ||
            __builtin_add_overflow(last, span, &last)) {
            return false;
        }
    }
    return last < tensor.storage.elements;
}

/// Whether the view has no more elements than its storage: one repeated without end would take any memory.
bool is_no_larger(const PickledTensor& tensor) {
    std::int64_t elements = 1;
    for (const std::int64_t size : tensor.sizes) {
        if (size == 0) return true;
    }
    for (const std::int64_t size : tensor.sizes) {
        if (__builtin_mul_overflow(elements, size, &elements)) return false;
    }
    return elements <= tensor.storage.elements;
}

}  // namespace

std::map<std::string, PickledStorage> PickleMachine::storages() const {
    std::map<std::string, PickledStorage> storages;
    for (const PickleValue& value : values_) {
        if (value.is(Kind::storage)) storages.emplace(value.storage.key, value.storage);
    }
    return storages;
}

void PickleMachine::push_global() {
    const std::string module = line();
    std::string name = module + "." + line();
    if (!is_known_global(name)) {
        refuse("it names the global " + readable_name(name) +
               ", which is none of a state dictionary's; nothing of it was run");
    }
    push(Kind::global);
    top().text = std::move(name);
}

void PickleMachine::reduce() {
    const PickleValue& arguments = pop();
    const PickleValue& called = pop();
    if (!called.is(Kind::global) || !arguments.is(Kind::tuple)) refuse("REDUCE of what is no global and its arguments");

    if (called.text == ordered_dictionary) {
        PickleValue& dictionary = make(Kind::dictionary);
        dictionary.is_ordered = true;
        if (arguments.items.size() > 1) refuse("OrderedDict with more than one argument");
        if (arguments.items.size() == 1) {
            if (!arguments.items[0]->is(Kind::list)) refuse("OrderedDict of what is no list");
            for (const PickleValue* pair : arguments.items[0]->items) {
                const bool is_pair = (pair->is(Kind::list) || pair->is(Kind::tuple)) && pair->items.size() == 2;
                if (!is_pair) refuse("OrderedDict of a list with an item that is no pair");
                set_items(dictionary, pair->items);
            }
        }
        stack_.push_back(&dictionary);
        return;
    }
    if (called.text == rebuild_tensor) {
        PickledTensor tensor = rebuilt_tensor(arguments);
        push(Kind::tensor);
        top().tensor = std::move(tensor);
        return;
    }
    if (called.text == rebuild_parameter) {
        const bool is_right = arguments.items.size() == 3 && arguments.items[0]->is(Kind::tensor) &&
                              arguments.items[1]->is(Kind::boolean) && is_empty_hooks(*arguments.items[2]);
        if (!is_right) refuse("_rebuild_parameter with other arguments than (tensor, requires_grad, no hooks)");
        stack_.push_back(arguments.items[0]);
        return;
    }
    refuse("it calls " + called.text + ", which is a type here and no function");
}

PickledTensor PickleMachine::rebuilt_tensor(const PickleValue& arguments) const {
    const auto& items = arguments.items;
    const bool is_right = items.size() == 6 && items[0]->is(Kind::storage) && items[1]->is(Kind::integer) &&
                          items[1]->integer >= 0 && are_sizes(*items[2]) && are_sizes(*items[3]) &&
                          items[2]->items.size() == items[3]->items.size() && items[4]->is(Kind::boolean) &&
                          is_empty_hooks(*items[5]);
    if (!is_right) {
        refuse(
            "_rebuild_tensor_v2 with other arguments than (storage, offset, sizes, strides, requires_grad, no hooks)");
    }
    PickledTensor tensor{items[0]->storage, items[1]->integer, numbers_of(*items[2]), numbers_of(*items[3])};
    if (!is_inside(tensor)) refuse("a tensor reaches beyond its storage '" + readable_name(tensor.storage.key) + "'");
    if (!is_no_larger(tensor)) {
        refuse("a tensor has more elements than its storage '" + readable_name(tensor.storage.key) + "'");
    }
    return tensor;
}

void PickleMachine::build() {
    const PickleValue& state = pop();
    const PickleValue& object = top();
    // A state dictionary's _metadata: versions of modules, of no use here
    if (!object.is(Kind::dictionary) || !object.is_ordered || !state.is(Kind::dictionary)) {
        refuse("BUILD of something else than an OrderedDict");
    }
}

void PickleMachine::push_storage() {
    const PickleValue& identity = pop();
    const auto& items = identity.items;
    const bool is_right = identity.is(Kind::tuple) && (items.size() == 5 || items.size() == 6) &&
                          items[0]->is(Kind::text) && items[0]->text == "storage" && items[1]->is(Kind::global) &&
                          items[2]->is(Kind::text) && items[3]->is(Kind::text) && items[4]->is(Kind::integer);
    if (!is_right) refuse("a persistent id that is none of a storage");
    const StorageName* name = find_storage(items[1]->text);
    if (name == nullptr) refuse("a storage of type " + items[1]->text);
    if (items.size() == 6 && !items[5]->is(Kind::none)) refuse("a storage that is a view of another; allowed is none");
    if (items[4]->integer < 0) refuse("a storage of " + std::to_string(items[4]->integer) + " elements");
    push(Kind::storage);
    top().storage = {items[2]->text, name->type, items[4]->integer};
}

}  // namespace pipeline
