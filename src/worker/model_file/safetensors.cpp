#include "worker/model_file/safetensors.h"

#include "worker/base/quantities.h"
#include "worker/model_file/printable.h"
#include "worker/model_file/safetensors_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string_view>
#include <utility>

namespace worker {
namespace {

using Entries = std::vector<SafeTensorEntry>;

constexpr std::string_view remedy = "; download the file again";

// A type that can be checked: one of weights, or of integers.
struct StoredType {
    std::string_view name;
    std::uint64_t bytes;
    std::optional<SafeTensorType> of_weights = {};
};

// Source: safetensors, enum Dtype in src/tensor.rs.
constexpr std::array stored_types{
    StoredType{"F32", 4, SafeTensorType::f32},
    StoredType{"F16", 2, SafeTensorType::f16},
    StoredType{"BF16", 2, SafeTensorType::bf16},
    StoredType{"I64", 8},
    StoredType{"U64", 8},
    StoredType{"I32", 4},
    StoredType{"U32", 4},
    StoredType{"I16", 2},
    StoredType{"U16", 2},
    StoredType{"I8", 1},
    StoredType{"U8", 1},
    StoredType{"BOOL", 1},
};

class HeaderReader {
public:
    explicit HeaderReader(const ByteSource& source) : source_(source) {}

    Result<std::vector<SafeTensor>> read();

private:
    tl::unexpected<Error> corrupt(const std::string& what) const {
        return fail(ErrorCode::model_corrupt,
                    fmt::format("{}: {}{}", source_.name(), what, remedy));
    }

    Result<std::uint64_t> read_length() const;
    Result<const StoredType*> type_of(const SafeTensorEntry& entry) const;
    Result<void> check_names(const Entries& entries) const;
    Result<void> check_size(const SafeTensorEntry& entry, std::uint64_t element_bytes) const;
    Result<void> check_layout(const Entries& entries, std::uint64_t room) const;

    const ByteSource& source_;
};

Result<std::vector<SafeTensor>> HeaderReader::read() {
    const auto header_bytes = read_length();
    if (!header_bytes) return fail(header_bytes.error());
    auto entries = read_safetensors_entries(source_, *header_bytes);
    if (!entries) return fail(std::move(entries.error()));
    if (auto unique = check_names(*entries); !unique) return fail(unique.error());
    std::sort(entries->begin(), entries->end(), [](const auto& a, const auto& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    const std::uint64_t begin = 8 + *header_bytes;
    if (auto filled = check_layout(*entries, source_.size() - begin); !filled)
        return fail(filled.error());
    std::vector<SafeTensor> tensors;
    for (SafeTensorEntry& entry : *entries) {
        const auto type = type_of(entry);
        if (!type) return fail(type.error());
        if (auto fits = check_size(entry, (*type)->bytes); !fits) return fail(fits.error());
        if (!(*type)->of_weights) continue;
        tensors.push_back({.name = std::move(entry.name),
                           .type = *(*type)->of_weights,
                           .shape = std::move(entry.shape),
                           .offset = begin + entry.begin,
                           .bytes = entry.end - entry.begin});
    }
    return tensors;
}

Result<std::uint64_t> HeaderReader::read_length() const {
    std::array<char, 8> raw{};
    const auto read = source_.read_at(0, std::as_writable_bytes(std::span(raw)));
    if (!read) return fail(read.error());
    if (std::string_view(raw.data(), *read) == "version ") {
        return fail(ErrorCode::model_corrupt,
                    source_.name() +
                        ": is a Git LFS pointer and not the file itself; fetch that (git lfs "
                        "pull)");
    }
    if (*read < raw.size())
        return corrupt(fmt::format("the file ends at byte {}, in its header's length", *read));
    std::uint64_t length = 0;
    for (std::size_t i = raw.size(); i-- > 0;)
        length = length << 8 | static_cast<unsigned char>(raw[i]);
    if (length > safetensors_header_bytes_max) {
        return corrupt(
            fmt::format("the file claims a header of {} bytes, and SafeTensors allows "
                        "{}",
                        length, safetensors_header_bytes_max));
    }
    if (length > source_.size() - raw.size()) {
        return corrupt(fmt::format("the file ends at byte {}, in its header of {} bytes",
                                   source_.size(), length));
    }
    return length;
}

Result<const StoredType*> HeaderReader::type_of(const SafeTensorEntry& entry) const {
    const auto type = std::find_if(stored_types.begin(), stored_types.end(),
                                   [&](const StoredType& one) { return one.name == entry.type; });
    const bool known = type != stored_types.end();
    if (known && (type->of_weights || !entry.name.ends_with("weight"))) return &*type;
    return fail(ErrorCode::model_unsupported,
                fmt::format("{}: tensor \"{}\" is stored as {}, and weights of F32, F16 and BF16 "
                            "are supported; get the model in one of these",
                            source_.name(), printable(entry.name), printable(entry.type)));
}

Result<void> HeaderReader::check_names(const Entries& entries) const {
    std::vector<std::string_view> names;
    for (const SafeTensorEntry& entry : entries) names.push_back(entry.name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice == names.end()) return {};
    return corrupt(fmt::format("tensor \"{}\" is there twice", printable(*twice)));
}

Result<void> HeaderReader::check_size(const SafeTensorEntry& entry,
                                      std::uint64_t element_bytes) const {
    std::uint64_t bytes = element_bytes;
    bool fits = true;
    for (const std::uint64_t length : entry.shape)
        fits = fits && !__builtin_mul_overflow(bytes, length, &bytes);
    if (!fits) {
        return corrupt(fmt::format("tensor \"{}\" has the impossible shape {}",
                                   printable(entry.name), fmt::join(entry.shape, " x ")));
    }
    if (bytes == entry.end - entry.begin) return {};
    return corrupt(fmt::format("tensor \"{}\" has {} bytes where its shape and type make {}",
                               printable(entry.name), entry.end - entry.begin, bytes));
}

// `entries` are in the order of their bytes, of which there are `room`.
Result<void> HeaderReader::check_layout(const Entries& entries, std::uint64_t room) const {
    std::uint64_t end = 0;
    for (const SafeTensorEntry& entry : entries) {
        if (entry.begin != end || entry.end < entry.begin) {
            return corrupt(
                fmt::format("the bytes {} to {} of tensor \"{}\" do not follow those "
                            "before, which end at {}: tensors overlap, or there is a "
                            "hole between them",
                            entry.begin, entry.end, printable(entry.name), end));
        }
        end = entry.end;
    }
    if (end > room) {
        return corrupt(
            fmt::format("the file is {} ({} bytes) shorter than its header says: tensor "
                        "\"{}\" is not complete",
                        format_bytes(end - room), end - room, printable(entries.back().name)));
    }
    if (end == room) return {};
    return corrupt(fmt::format("{} bytes follow the last tensor, and nothing should", room - end));
}

}  // namespace

Result<std::vector<SafeTensor>> read_safetensors_header(const ByteSource& source) {
    return HeaderReader(source).read();
}

}  // namespace worker
