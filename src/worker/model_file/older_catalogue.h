#pragma once

#include "worker/base/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace worker {

// Where the hive's older catalogue, a SQLite database, says that the models called `reference`
// lie, the newest first; relative paths begin beside the database. Also takes
// "<provider>:<reference>". Whether they exist is not asked. Nothing when there is no database.
// Nothing is written, not even the files that SQLite keeps beside a database, and the work is
// bounded whatever is in the file.
// Errors: model_unreadable, model_corrupt; the message does not repeat the database's path.
Result<std::vector<std::filesystem::path>> read_older_catalogue(
    const std::filesystem::path& database, const std::string& reference);

}  // namespace worker
