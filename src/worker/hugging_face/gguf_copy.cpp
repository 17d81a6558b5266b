#include "worker/hugging_face/gguf_copy.h"

#include "worker/base/quantities.h"
#include "worker/hugging_face/unfinished_file.h"
#include "worker/model_file/digest.h"
#include "worker/model_file/gguf.h"
#include "worker/model_file/printable.h"
#include "worker/model_file/sha256.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

namespace worker {
namespace {

namespace fs = std::filesystem;

// Counts up when other bytes come of the same plan.
constexpr int conversion_version = 1;

// A file of which only the header is there.
class LaidOutSource final : public ByteSource {
public:
    LaidOutSource(std::string name, const GgufLayout& layout)
        : header_(std::move(name), std::as_bytes(std::span(layout.header))),
          size_(layout.file_bytes) {}

    const std::string& name() const override { return header_.name(); }
    std::uint64_t size() const override { return size_; }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> target) const override {
        return header_.read_at(offset, target);
    }

private:
    const MemorySource header_;
    const std::uint64_t size_;
};

// As far as the file system tells.
std::uint64_t disk_free_bytes(const fs::path& directory) {
    struct statvfs status{};
    if (::statvfs(directory.c_str(), &status) != 0)
        return std::numeric_limits<std::uint64_t>::max();
    return std::uint64_t{status.f_bavail} * status.f_frsize;
}

bool is_gguf(const fs::path& path) {
    const auto file = open_file(path);
    return file && read_gguf_header(**file).has_value();
}

class Copying {
public:
    Copying(const CopyRequest& request, const CopyObserver& observer)
        : request_(request),
          observer_(observer),
          name_(printable_path(request.directory.path.native())),
          directory_(copies_in(request.cache)),
          layout_(lay_out(request.plan)) {}

    Result<GgufCopy> run();

private:
    Result<void> open_shards();
    Result<std::string> key() const;
    Result<GgufCopy> write_file(const std::string& key);
    Result<GgufCopy> write_memory(const std::string& key, const std::string& reason);
    Result<void> write(OutputFile output, const std::string& key);

    const CopyRequest& request_;
    const CopyObserver& observer_;
    const std::string name_;  // of the model's directory, for messages
    const fs::path directory_;
    const GgufLayout layout_;
    std::vector<std::unique_ptr<ByteSource>> shards_;
    double told_ = 0;  // so that a second beginning is no step back
};

Result<GgufCopy> Copying::run() {
    if (auto accepted = observer_.accepts(LaidOutSource(name_, layout_)); !accepted)
        return fail(std::move(accepted.error()));
    if (auto opened = open_shards(); !opened) return fail(std::move(opened.error()));
    const auto key = this->key();
    if (!key) return fail(key.error());
    const fs::path path = directory_ / (*key + ".gguf");
    if (is_gguf(path)) {
        observer_.says("Uses the GGUF copy " + printable_path(path.native()));
        return GgufCopy{.path = path};
    }
    auto copy = write_file(*key);
    if (copy || copy.error().code != ErrorCode::insufficient_resources) return copy;
    return write_memory(*key, copy.error().message);
}

Result<void> Copying::open_shards() {
    for (const fs::path& path : request_.directory.shards) {
        auto shard = open_file(path);
        if (!shard) return fail(std::move(shard.error()));
        shards_.push_back(std::move(*shard));
    }
    return {};
}

// Of all that the file is made from: what the JSON files say stands in the header and the plan.
Result<std::string> Copying::key() const {
    Sha256 digest;
    digest.add(fmt::format("conversion {}\n", conversion_version));
    digest.add(layout_.header);
    for (const PlannedTensor& tensor : request_.plan.tensors) {
        digest.add(fmt::format("{} {}\n", static_cast<int>(tensor.order), tensor.heads));
        for (const std::string& source : tensor.sources) digest.add(source + "\n");
        digest.add(std::as_bytes(std::span(tensor.values)));
    }
    std::vector<std::uint64_t> begins(shards_.size(), 0);  // of their weights
    for (const auto& [name, place] : request_.directory.tensors) {
        std::uint64_t& begin = begins[place.shard];
        begin = begin == 0 ? place.tensor.offset : std::min(begin, place.tensor.offset);
    }
    std::vector<DigestSource> sources;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        sources.push_back({shards_[i].get(), begins[i]});
        std::error_code ignored;
        const auto written = fs::last_write_time(request_.directory.shards[i], ignored);
        digest.add(fmt::format("{}\n", written.time_since_epoch().count()));
    }
    const auto weights = digest_of(sources);
    if (!weights) return fail(weights.error());
    digest.add(*weights);
    return digest.hex().substr(0, 32);
}

Result<GgufCopy> Copying::write_file(const std::string& key) {
    const std::string name = printable_path(directory_.native());
    std::error_code error;
    fs::create_directories(directory_, error);
    if (error) return fail(ErrorCode::insufficient_resources, name + ": " + error.message());
    remove_abandoned(directory_);
    const std::uint64_t free_bytes = disk_free_bytes(directory_);
    if (free_bytes < layout_.file_bytes) {
        return fail(ErrorCode::insufficient_resources,
                    fmt::format("{}: the copy needs {} and {} are free", name,
                                format_bytes(layout_.file_bytes), format_bytes(free_bytes)));
    }
    auto file = UnfinishedFile::create(directory_, key + ".gguf");
    if (!file) return fail(std::move(file.error()));
    if (auto reserved = file->reserve(layout_.file_bytes); !reserved)
        return fail(std::move(reserved.error()));
    observer_.says(
        fmt::format("Writes a GGUF copy of {} to {}", format_bytes(layout_.file_bytes), name));
    if (auto written = write(OutputFile(name, file->descriptor()), key); !written)
        return fail(std::move(written.error()));
    if (auto kept = std::move(*file).keep(); !kept) return fail(std::move(kept.error()));
    return GgufCopy{.path = directory_ / (key + ".gguf")};
}

Result<GgufCopy> Copying::write_memory(const std::string& key, const std::string& reason) {
    const std::string remedy =
        "let the worker write there, or name another place with XDG_CACHE_HOME";
    const std::string size = format_bytes(layout_.file_bytes);
    if (request_.memory_free_bytes < layout_.file_bytes) {
        return fail(
            ErrorCode::insufficient_memory,
            fmt::format("{}: its GGUF copy would need {} ({} bytes) of memory, of which {} ({} "
                        "bytes) are free, since it cannot be written to the cache: {}; {}",
                        name_, size, layout_.file_bytes, format_bytes(request_.memory_free_bytes),
                        request_.memory_free_bytes, reason, remedy));
    }
    auto memory = std::make_shared<const Descriptor>(::memfd_create("gguf copy", MFD_CLOEXEC));
    if (!memory->is_open()) {
        return fail(ErrorCode::insufficient_memory,
                    fmt::format("{}: there is no memory for its GGUF copy: {}; {}", name_,
                                std::generic_category().message(errno), remedy));
    }
    observer_.says(fmt::format("Writes a GGUF copy of {} to memory", size));
    if (auto written = write(OutputFile("memory", memory->number()), key); !written) {
        Error failed = written.error();
        if (failed.code == ErrorCode::insufficient_resources)
            failed = {ErrorCode::insufficient_memory,
                      fmt::format("{}: {}; {}", name_, failed.message, remedy)};
        return fail(std::move(failed));
    }
    return GgufCopy{.path = fmt::format("/proc/self/fd/{}", memory->number()),
                    .memory = std::move(memory),
                    .note = fmt::format("the GGUF copy of the model takes {} of memory and is made "
                                        "again at the next start, since it cannot be written to "
                                        "the cache: {}; {}",
                                        size, reason, remedy)};
}

Result<void> Copying::write(OutputFile output, const std::string& key) {
    const ConversionInputs inputs{.directory = request_.directory,
                                  .plan = request_.plan,
                                  .layout = layout_,
                                  .shards = shards_};
    auto written = write_gguf(inputs, output, [&](double fraction) {
        told_ = std::max(told_, fraction);
        return observer_.progress(told_);
    });
    if (!written) return written;
    const auto now = this->key();
    if (!now) return fail(now.error());
    if (*now == key) return {};
    return fail(ErrorCode::model_corrupt,
                name_ + ": was changed while it was read; start again once it is complete");
}

}  // namespace

fs::path copies_in(const fs::path& cache) {
    return cache / "llm-worker-rbee" / "converted";
}

Result<GgufCopy> copy_as_gguf(const CopyRequest& request, const CopyObserver& observer) {
    return Copying(request, observer).run();
}

}  // namespace worker
