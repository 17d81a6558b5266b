#include "worker/hugging_face/tensor_names.h"

#include "worker/base/assert.h"
#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/tensor_table.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace worker {
namespace {

using Place = ModelDirectory::Place;
using Found = std::map<std::string, Place, std::less<>>::const_iterator;

constexpr std::uint32_t type_f32 = 0;

constexpr std::uint32_t ggml_id(SafeTensorType type) {
    switch (type) {
        case SafeTensorType::f32: return type_f32;
        case SafeTensorType::f16: return 1;
        case SafeTensorType::bf16: return 30;
    }
    __builtin_unreachable();
}

std::string in_layer(std::string_view name, std::uint32_t layer) {
    const std::size_t mark = name.find('#');
    if (mark == std::string_view::npos) return std::string(name);
    return fmt::format("{}{}{}", name.substr(0, mark), layer, name.substr(mark + 1));
}

bool repeats(const TensorRow& row) {
    return row.source.find('#') != std::string_view::npos;
}

// What an encoder's checkpoint holds beyond the encoder: what other tasks make of its vectors.
bool is_task_part(std::string_view name) {
    return name.starts_with("pooler.") || name.starts_with("cls.");
}

// Goes through the table of one family. The first failure sticks.
class TensorPlanner {
public:
    TensorPlanner(const ModelDirectory& directory, const ModelConfig& config)
        : directory_(directory), config_(config), rows_(tensor_rows(config.family->architecture)) {
        WORKER_ASSERT(!rows_.empty());
        // A model that was saved without its head has names without the prefix.
        const std::string_view prefix = config.family->prefix;
        const std::string embedding = fmt::format("{}{}.weight", prefix, rows_.front().source);
        if (directory.tensors.contains(embedding)) prefix_ = prefix;
    }

    Result<std::vector<PlannedTensor>> run() {
        for (const TensorRow& row : rows_)
            if (!repeats(row)) plan_row(row, 0);
        for (std::uint32_t layer = 0; layer < config_.layers && !error_; ++layer)
            for (const TensorRow& row : rows_)
                if (repeats(row)) plan_row(row, layer);
        if (!error_) refuse_unknown();
        if (error_) return fail(*error_);
        return std::move(planned_);
    }

private:
    void plan_row(const TensorRow& row, std::uint32_t layer) {
        const bool head = row.source == head_source;
        if (head && !config_.has_head) return;
        const std::string source = (head ? "" : prefix_) + in_layer(row.source, layer);
        const std::string target =
            repeats(row) ? fmt::format("blk.{}.{}", layer, row.target) : std::string(row.target);
        if (const auto found = find(source, ".weight", ".gamma"))
            plan(row, *found, target + ".weight");
        else
            fail_missing(source + ".weight");
        if (row.bias == Bias::none) return;
        if (const auto found = find(source, ".bias", ".beta")) {
            TensorRow bias = row;
            bias.columns = Extent::none;
            plan(bias, *found, target + ".bias");
        } else if (row.bias == Bias::required) {
            fail_missing(source + ".bias");
        }
    }

    // `older`: what norms were called in the first checkpoints of BERT.
    std::optional<Found> find(const std::string& name, const char* ending,
                              const char* older) const {
        for (const char* each : {ending, older}) {
            const auto found = directory_.tensors.find(name + each);
            if (found != directory_.tensors.end()) return found;
        }
        return std::nullopt;
    }

    void plan(const TensorRow& row, Found found, std::string target) {
        const SafeTensor& tensor = found->second.tensor;
        std::vector<std::uint64_t> shape{extent(row.rows)};
        if (row.columns != Extent::none) shape.push_back(extent(row.columns));
        if (tensor.shape != shape) {
            return corrupt(fmt::format("the tensor \"{}\" is {}, and {} by config.json",
                                       printable(tensor.name), fmt::join(tensor.shape, " x "),
                                       fmt::join(shape, " x ")));
        }
        taken_.insert(found->first);
        const bool vector = shape.size() == 1;
        PlannedTensor planned{.name = std::move(target),
                              .type = vector || row.f32 ? type_f32 : ggml_id(tensor.type),
                              .shape = {shape.rbegin(), shape.rend()},
                              .sources = {tensor.name}};
        if (row.rotary != Extent::none) {
            planned.order = RowOrder::rotary_pairs;
            planned.heads = row.rotary == Extent::queries ? config_.heads : config_.heads_kv;
        }
        planned_.push_back(std::move(planned));
    }

    std::uint64_t extent(Extent extent) const {
        const std::uint64_t queries = std::uint64_t{config_.heads} * config_.head_dim;
        const std::uint64_t keys = std::uint64_t{config_.heads_kv} * config_.head_dim;
        switch (extent) {
            case Extent::none: return 1;
            case Extent::width: return config_.width;
            case Extent::vocabulary: return config_.vocabulary;
            case Extent::context: return config_.context;
            case Extent::token_types: return config_.token_types;
            case Extent::head_dim: return config_.head_dim;
            case Extent::queries: return queries;
            case Extent::keys: return keys;
            case Extent::queries_keys_values: return queries + 2 * keys;
            case Extent::feed_forward: return config_.feed_forward;
            case Extent::gates_and_ups: return 2 * std::uint64_t{config_.feed_forward};
        }
        __builtin_unreachable();
    }

    void refuse_unknown() {
        for (const auto& [name, place] : directory_.tensors) {
            if (taken_.contains(name) || is_constant(name)) continue;
            std::string_view own = name;
            if (own.starts_with(prefix_)) own.remove_prefix(prefix_.size());
            const bool encoder = config_.family->has(ModelFamily::encoder);
            if (encoder ? is_task_part(own) : own == "lm_head.weight" && !config_.has_head)
                continue;
            error_ = unsupported_model(
                file_of(place), fmt::format("the tensor \"{}\" has no place in a model of the "
                                            "architecture \"{}\"",
                                            printable(name), config_.family->architecture));
            return;
        }
    }

    void fail_missing(const std::string& name) {
        corrupt(fmt::format("the tensor \"{}\" is missing", name));
    }
    void corrupt(std::string_view what) {
        if (!error_) error_ = corrupt_file(printable_path(directory_.path.native()), what);
    }
    std::string file_of(const Place& place) const {
        return place.shard < directory_.shards.size()
                   ? printable_path(directory_.shards[place.shard].native())
                   : printable_path(directory_.path.native());
    }

    const ModelDirectory& directory_;
    const ModelConfig& config_;
    const std::span<const TensorRow> rows_;
    std::string prefix_;
    std::unordered_set<std::string_view> taken_;
    std::vector<PlannedTensor> planned_;
    std::optional<Error> error_;
};

}  // namespace

Result<std::vector<PlannedTensor>> plan_tensors(const ModelDirectory& directory,
                                                const ModelConfig& config) {
    return TensorPlanner(directory, config).run();
}

std::uint32_t file_type_of(const std::vector<PlannedTensor>& tensors) {
    std::map<std::uint32_t, std::uint64_t> bytes_by_type;
    for (const PlannedTensor& tensor : tensors) {
        std::uint64_t bytes = tensor.type == type_f32 ? 4 : 2;
        for (const std::uint64_t extent : tensor.shape) bytes *= extent;
        bytes_by_type[tensor.type] += bytes;
    }
    const auto most = std::max_element(bytes_by_type.begin(), bytes_by_type.end(),
                                       [](auto& a, auto& b) { return a.second < b.second; });
    if (most == bytes_by_type.end()) return 0;
    return most->first == ggml_id(SafeTensorType::bf16) ? 32 : most->first;
}

}  // namespace worker
