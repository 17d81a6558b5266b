#include "worker/model_file/gguf_tensors.h"

#include "worker/base/quantities.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_set>

namespace worker {
namespace {

constexpr std::string_view remedy = "; download the file again";

// So that bytes, at most 8 an element, cannot overflow.
constexpr std::uint64_t elements_max = std::uint64_t{1} << 56;

// Why the library could not compute with a tensor of this type, or nothing.
// Norms, biases and scales are added and multiplied, and ggml does that in f32 only: it aborts on
// the rest. llama.cpp's converter stores exactly these in f32.
std::string type_complaint(const GgufTensor& tensor) {
    const bool index_table = tensor.name.find("tid2eid") != std::string::npos;
    if (!tensor.type->holds_weights && !index_table)
        return fmt::format("is stored as {}, which is no type for weights", tensor.type->name);
    const bool norm = tensor.name.ends_with("_norm.weight");
    if ((tensor.dimensions <= 1 || norm) && tensor.type->holds_weights && tensor.type->id != 0)
        return fmt::format("is a vector stored as {}, and f32 is supported", tensor.type->name);
    return {};
}

class TableReader {
public:
    explicit TableReader(GgufCursor& cursor) : cursor_(cursor) {}

    GgufTensor read() {
        at_ = cursor_.position();
        GgufTensor tensor{};
        read_name(tensor);
        read_shape(tensor);
        read_type(tensor);
        tensor.offset = cursor_.u64();
        return tensor;
    }

private:
    void corrupt(const std::string& what) {
        cursor_.fail(ErrorCode::model_corrupt, fmt::format("{}{}", what, remedy));
    }

    void read_name(GgufTensor& tensor) {
        const std::uint64_t length = cursor_.u64();
        if (cursor_.ok() && (length == 0 || length > gguf_tensor_name_bytes_max))
            corrupt(fmt::format("the tensor at byte {} has a name of {} bytes", at_, length));
        tensor.name = cursor_.text(length);
        if (cursor_.ok() && tensor.name.find('\0') != std::string::npos)
            corrupt(fmt::format("the name of the tensor at byte {} holds a zero byte", at_));
        if (cursor_.ok() && !names_.insert(tensor.name).second) {
            corrupt(fmt::format("tensor \"{}\" at byte {} is there twice", printable(tensor.name),
                                at_));
        }
    }

    void read_shape(GgufTensor& tensor) {
        tensor.dimensions = cursor_.u32();
        if (cursor_.ok() && tensor.dimensions > tensor.shape.size()) {
            corrupt(fmt::format("tensor \"{}\" at byte {} has {} dimensions",
                                printable(tensor.name), at_, tensor.dimensions));
        }
        if (!cursor_.ok()) return;
        tensor.elements = 1;
        bool fits = true;
        for (std::uint32_t i = 0; i < tensor.shape.size(); ++i) {
            tensor.shape[i] = i < tensor.dimensions ? cursor_.u64() : 1;
            fits =
                fits && !__builtin_mul_overflow(tensor.elements, tensor.shape[i], &tensor.elements);
        }
        if (cursor_.ok() && (!fits || tensor.elements == 0 || tensor.elements > elements_max)) {
            corrupt(
                fmt::format("tensor \"{}\" at byte {} has the impossible shape {} x {} x {} x "
                            "{}",
                            printable(tensor.name), at_, tensor.shape[0], tensor.shape[1],
                            tensor.shape[2], tensor.shape[3]));
        }
    }

    void read_type(GgufTensor& tensor) {
        const std::uint32_t id = cursor_.u32();
        tensor.type = find_ggml_type(id);
        if (cursor_.ok() && tensor.type == nullptr) {
            cursor_.fail(ErrorCode::model_unsupported,
                         fmt::format("tensor \"{}\" at byte {} has the unknown quantisation type "
                                     "{}; get the model in another quantisation",
                                     printable(tensor.name), at_, id));
        }
        if (!cursor_.ok()) return;
        tensor.bytes = tensor.elements / tensor.type->block_elements * tensor.type->block_bytes;
        if (tensor.shape[0] % tensor.type->block_elements != 0) {
            corrupt(
                fmt::format("tensor \"{}\" at byte {} has rows of {} elements, no multiple of "
                            "{}'s blocks of {}",
                            printable(tensor.name), at_, tensor.shape[0], tensor.type->name,
                            tensor.type->block_elements));
        } else if (__builtin_mul_overflow(tensor.elements / tensor.type->block_elements,
                                          std::uint64_t{tensor.type->block_bytes}, &tensor.bytes)) {
            corrupt(fmt::format("tensor \"{}\" at byte {} has an impossible size",
                                printable(tensor.name), at_));
        } else if (const std::string complaint = type_complaint(tensor); !complaint.empty()) {
            cursor_.fail(ErrorCode::model_unsupported,
                         fmt::format("tensor \"{}\" {}; convert the model again with llama.cpp",
                                     printable(tensor.name), complaint));
        }
    }

    GgufCursor& cursor_;
    std::uint64_t at_ = 0;  // where the tensor's entry begins
    std::unordered_set<std::string> names_;
};

Result<void> check_inside(const ByteSource& source, const std::vector<GgufTensor>& tensors) {
    std::uint64_t end = 0;
    const GgufTensor* last = nullptr;
    for (const GgufTensor& tensor : tensors) {
        if (tensor.offset + tensor.bytes <= end) continue;
        end = tensor.offset + tensor.bytes;
        last = &tensor;
    }
    if (end <= source.size()) return {};
    const std::uint64_t missing = end - source.size();
    return fail(ErrorCode::model_corrupt,
                fmt::format("{}: the file is {} ({} bytes) shorter than its header says: tensor "
                            "\"{}\" ends at byte {}{}",
                            source.name(), format_bytes(missing), missing, printable(last->name),
                            end, remedy));
}

Result<void> check_disjoint(const ByteSource& source, const std::vector<GgufTensor>& tensors) {
    std::vector<const GgufTensor*> by_offset;
    for (const GgufTensor& tensor : tensors) by_offset.push_back(&tensor);
    std::sort(by_offset.begin(), by_offset.end(),
              [](const auto* a, const auto* b) { return a->offset < b->offset; });
    const auto overlap = std::adjacent_find(
        by_offset.begin(), by_offset.end(),
        [](const auto* a, const auto* b) { return a->offset + a->bytes > b->offset; });
    if (overlap == by_offset.end()) return {};
    const GgufTensor& before = **overlap;
    const GgufTensor& after = **std::next(overlap);
    return fail(
        ErrorCode::model_corrupt,
        fmt::format("{}: the data of tensors \"{}\" and \"{}\" overlap at byte {}{}", source.name(),
                    printable(before.name), printable(after.name), after.offset, remedy));
}

}  // namespace

std::vector<GgufTensor> read_tensor_table(GgufCursor& cursor, std::uint64_t count) {
    TableReader reader(cursor);
    std::vector<GgufTensor> tensors;
    for (std::uint64_t i = 0; i < count && cursor.ok(); ++i) tensors.push_back(reader.read());
    return tensors;
}

Result<void> place_tensors(const ByteSource& source, std::uint64_t header_bytes,
                           GgufHeader& header) {
    const std::uint64_t alignment = header.alignment;
    const std::uint64_t data_begin = (header_bytes + alignment - 1) / alignment * alignment;
    for (GgufTensor& tensor : header.tensors) {
        if (tensor.offset % alignment != 0) {
            return fail(ErrorCode::model_corrupt,
                        fmt::format("{}: the data of tensor \"{}\" has the offset {}, no multiple "
                                    "of the alignment {}{}",
                                    source.name(), printable(tensor.name), tensor.offset, alignment,
                                    remedy));
        }
        std::uint64_t end = 0;
        if (__builtin_add_overflow(tensor.offset, data_begin, &tensor.offset) ||
            __builtin_add_overflow(tensor.offset, tensor.bytes, &end)) {
            return fail(ErrorCode::model_corrupt,
                        fmt::format("{}: the data of tensor \"{}\" lies outside of any file{}",
                                    source.name(), printable(tensor.name), remedy));
        }
    }
    if (auto inside = check_inside(source, header.tensors); !inside) return inside;
    return check_disjoint(source, header.tensors);
}

}  // namespace worker
