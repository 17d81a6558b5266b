#include "worker/hugging_face/conversion.h"

#include "worker/base/assert.h"
#include "worker/hugging_face/stored_numbers.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace worker {
namespace {

// At most so much of a shard is in memory at once, and so much is written between two reports.
constexpr std::uint64_t piece_bytes = 4 << 20;

// Half-open, from the start of a tensor's bytes.
struct Range {
    std::uint64_t begin;
    std::uint64_t end;
};

class Conversion {
public:
    Conversion(const ConversionInputs& inputs, OutputFile& output,
               const ConversionProgress& progress)
        : inputs_(inputs), output_(output), progress_(progress), piece_(piece_bytes) {}

    Result<void> run();

private:
    using Place = ModelDirectory::Place;

    Result<void> write(const PlannedTensor& tensor);
    Result<void> copy_rotary_pairs(const PlannedTensor& tensor, const Place& place);
    Result<void> copy(const PlannedTensor& tensor, const Place& place, Range range);
    Result<void> report();

    const ConversionInputs& inputs_;
    OutputFile& output_;
    const ConversionProgress& progress_;
    std::vector<std::byte> piece_;
    std::uint64_t next_report_ = 0;  // bytes
};

Result<void> Conversion::run() {
    const GgufLayout& layout = inputs_.layout;
    if (auto begun = output_.append(layout.header); !begun) return begun;
    for (std::size_t i = 0; i < inputs_.plan.tensors.size(); ++i) {
        const GgufPlace& place = layout.places[i];
        if (auto filled = output_.fill_up_to(place.offset); !filled) return filled;
        if (auto written = write(inputs_.plan.tensors[i]); !written) return written;
        WORKER_ASSERT(output_.bytes() == place.offset + place.bytes);
    }
    if (auto filled = output_.fill_up_to(layout.file_bytes); !filled) return filled;
    if (auto flushed = output_.flush(); !flushed) return flushed;
    next_report_ = 0;
    return report();
}

Result<void> Conversion::write(const PlannedTensor& tensor) {
    if (tensor.sources.empty()) return output_.append(std::as_bytes(std::span(tensor.values)));
    for (const std::string& name : tensor.sources) {
        const auto found = inputs_.directory.tensors.find(name);
        WORKER_ASSERT(found != inputs_.directory.tensors.end());
        const Place& place = found->second;
        const auto copied = tensor.order == RowOrder::rotary_pairs
                                ? copy_rotary_pairs(tensor, place)
                                : copy(tensor, place, {0, place.tensor.bytes});
        if (!copied) return copied;
    }
    return {};
}

// Row 2j + k of a head in GGUF is row k * half + j of it as Hugging Face has it.
// Source: llama.cpp, convert_hf_to_gguf.py, `LlamaModel.permute`.
Result<void> Conversion::copy_rotary_pairs(const PlannedTensor& tensor, const Place& place) {
    const std::uint64_t rows = place.tensor.shape.front();
    WORKER_ASSERT(tensor.heads > 0 && rows % (std::uint64_t{2} * tensor.heads) == 0);
    const std::uint64_t row_bytes = place.tensor.bytes / rows;
    const std::uint64_t half = rows / tensor.heads / 2;
    for (std::uint64_t row = 0; row < rows; ++row) {
        const std::uint64_t in_head = row % (2 * half);
        const std::uint64_t source = row - in_head + in_head % 2 * half + in_head / 2;
        const Range range{source * row_bytes, (source + 1) * row_bytes};
        if (auto copied = copy(tensor, place, range); !copied) return copied;
    }
    return {};
}

Result<void> Conversion::copy(const PlannedTensor& tensor, const Place& place, Range range) {
    const ByteSource& shard = *inputs_.shards[place.shard];
    const bool as_is = ggml_type_of(place.tensor.type) == tensor.type;
    while (range.begin < range.end) {
        const auto wanted =
            static_cast<std::size_t>(std::min(piece_bytes, range.end - range.begin));
        const std::span<std::byte> piece = std::span(piece_).first(wanted);
        const auto read = shard.read_at(place.tensor.offset + range.begin, piece);
        if (!read) return fail(read.error());
        if (*read < wanted) {
            return fail(ErrorCode::model_corrupt,
                        fmt::format("{}: ends in the middle of tensor \"{}\"; it was changed while "
                                    "it was read",
                                    shard.name(), printable(place.tensor.name)));
        }
        const auto written =
            as_is ? output_.append(piece)
                  : output_.append(convert_numbers(piece, place.tensor.type, tensor.type));
        if (!written) return written;
        if (auto reported = report(); !reported) return reported;
        range.begin += wanted;
    }
    return {};
}

Result<void> Conversion::report() {
    if (output_.bytes() < next_report_) return {};
    next_report_ = output_.bytes() + piece_bytes;
    const double fraction =
        static_cast<double>(output_.bytes()) / static_cast<double>(inputs_.layout.file_bytes);
    if (progress_(fraction)) return {};
    return fail(ErrorCode::cancelled, "converting the model was given up");
}

}  // namespace

GgufLayout lay_out(const ConversionPlan& plan) {
    std::vector<GgufTensorEntry> entries;
    for (const PlannedTensor& tensor : plan.tensors)
        entries.push_back({tensor.name, tensor.type, tensor.shape});
    return lay_out_gguf(plan.entries, entries);
}

Result<void> write_gguf(const ConversionInputs& inputs, OutputFile& output,
                        const ConversionProgress& progress) {
    return Conversion(inputs, output, progress).run();
}

}  // namespace worker
