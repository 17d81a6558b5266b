#include "worker/hugging_face/unfinished_file.h"

#include "worker/model_file/printable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

namespace worker {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view ending = ".part";

tl::unexpected<Error> failed(std::string_view what, const fs::path& path) {
    const std::string reason = std::generic_category().message(errno);
    return fail(ErrorCode::insufficient_resources,
                fmt::format("{}: {}: {}", printable_path(path.native()), what, reason));
}

bool is_linked(const Descriptor& descriptor) {
    struct stat status{};
    return ::fstat(descriptor.number(), &status) == 0 && status.st_nlink > 0;
}

}  // namespace

UnfinishedFile::UnfinishedFile(fs::path target, fs::path path, Descriptor descriptor)
    : target_(std::move(target)), path_(std::move(path)), descriptor_(std::move(descriptor)) {}

Result<UnfinishedFile> UnfinishedFile::create(const fs::path& directory, const std::string& name) {
    // Another process may take a file for abandoned before it is locked. It is gone then.
    constexpr int attempts_max = 16;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        std::string path = (directory / (name + ".XXXXXX" + std::string(ending))).native();
        Descriptor descriptor(::mkostemps(path.data(), static_cast<int>(ending.size()), O_CLOEXEC));
        if (!descriptor.is_open()) return failed("no file can be made there", directory);
        UnfinishedFile file(directory / name, path, std::move(descriptor));
        // Where there are no locks, nobody takes a file for abandoned.
        ::flock(file.descriptor(), LOCK_EX);
        if (is_linked(file.descriptor_)) return file;
    }
    return fail(ErrorCode::insufficient_resources,
                printable_path(directory.native()) + ": what is made there is deleted at once");
}

UnfinishedFile::~UnfinishedFile() {
    if (descriptor_.is_open() && !path_.empty()) ::unlink(path_.c_str());
}

Result<void> UnfinishedFile::reserve(std::uint64_t bytes) {
    if (::fallocate(descriptor(), 0, 0, static_cast<off_t>(bytes)) == 0) return {};
    if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR) return {};
    return failed(fmt::format("there is no room for {} bytes", bytes), path_);
}

Result<void> UnfinishedFile::keep() && {
    if (::fsync(descriptor()) != 0) return failed("writing failed", path_);
    if (::rename(path_.c_str(), target_.c_str()) != 0) return failed("renaming failed", path_);
    path_.clear();
    // The file is whole and found; that it outlives a power cut is all that this adds.
    const Descriptor directory(
        ::open(target_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.is_open()) ::fsync(directory.number());
    return {};
}

void remove_abandoned(const fs::path& directory) {
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
        const fs::path& path = entry->path();
        if (path.extension() != ending) continue;
        const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (file.is_open() && ::flock(file.number(), LOCK_EX | LOCK_NB) == 0)
            ::unlink(path.c_str());
    }
}

}  // namespace worker
