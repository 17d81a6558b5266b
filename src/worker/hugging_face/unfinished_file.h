#pragma once

#include "worker/base/descriptor.h"
#include "worker/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace worker {

// A file in a cache directory that nobody finds before it is whole: it has a name of its own until
// `keep`, and is deleted where that does not come. Its lock says that somebody is at it; what a
// killed process has left has none, and `remove_abandoned` takes it away. Readable by its owner
// only, as the model it is made from may be. Every failure is insufficient_resources.
class UnfinishedFile {
public:
    // For a file that will be `name` in `directory`, which exists.
    static Result<UnfinishedFile> create(const std::filesystem::path& directory,
                                         const std::string& name);
    ~UnfinishedFile();
    UnfinishedFile(UnfinishedFile&&) = default;
    UnfinishedFile& operator=(UnfinishedFile&&) = delete;

    int descriptor() const { return descriptor_.number(); }

    // Takes the room that the file will need, where the file system can tell beforehand.
    Result<void> reserve(std::uint64_t bytes);

    // Gives the file its name, in place of whatever had it, once it is safely on the disk.
    Result<void> keep() &&;

private:
    UnfinishedFile(std::filesystem::path target, std::filesystem::path path, Descriptor descriptor);

    std::filesystem::path target_;
    std::filesystem::path path_;
    Descriptor descriptor_;
};

// Deletes what processes that are gone have left unfinished. What cannot be deleted stays.
void remove_abandoned(const std::filesystem::path& directory);

}  // namespace worker
