#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/conversion_plan.h"
#include "worker/hugging_face/model_directory.h"
#include "worker/hugging_face/output_file.h"
#include "worker/model_file/byte_source.h"
#include "worker/model_file/gguf_writer.h"

#include <functional>
#include <memory>
#include <span>

namespace worker {

// What a GGUF file is made from. Requires: the plan is that of the directory, the layout that of
// the plan, and the shards the directory's, open.
struct ConversionInputs {
    const ModelDirectory& directory;
    const ConversionPlan& plan;
    const GgufLayout& layout;
    std::span<const std::unique_ptr<ByteSource>> shards;
};

// Called as a conversion goes on, with 0..1 of it; false: give up.
using ConversionProgress = std::function<bool(double fraction)>;

// Where the plan's tensors go in a file.
GgufLayout lay_out(const ConversionPlan& plan);

// Writes the whole file, reading weights in pieces of a few MiB. Numbers that the plan wants in the
// type they are stored in are copied, all others go through F32.
// Errors: model_corrupt (a shard became shorter), model_unreadable, `cancelled`, and
// insufficient_resources of the output.
Result<void> write_gguf(const ConversionInputs& inputs, OutputFile& output,
                        const ConversionProgress& progress);

}  // namespace worker
