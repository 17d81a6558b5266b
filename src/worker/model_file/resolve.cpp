#include "worker/model_file/resolve.h"

#include "worker/model_file/byte_source.h"
#include "worker/model_file/catalogue.h"
#include "worker/model_file/older_catalogue.h"
#include "worker/model_file/printable.h"
#include "worker/model_file/shards.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <system_error>

namespace worker {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

constexpr std::string_view config_name = "config.json";

bool is_safetensors(const fs::path& file) {
    return file.extension() == ".safetensors";
}

tl::unexpected<Error> unreadable(const fs::path& path, const std::error_code& why) {
    return fail(ErrorCode::model_unreadable,
                fmt::format("{}: {}; let the worker's user read it (chmod a+rX)",
                            printable_path(path.native()), why.message()));
}

// False for a name that cannot exist, too.
Result<bool> is_there(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found || error == std::errc::filename_too_long)
        return false;
    if (error) return unreadable(path, error);
    return true;
}

struct Listing {
    Paths directories;
    Paths files;
};

Result<Listing> list(const fs::path& directory) {
    Listing listing;
    std::error_code error;
    fs::directory_iterator entries(directory, error);
    while (!error && entries != fs::directory_iterator()) {
        std::error_code ignored;  // A link that leads nowhere is no directory.
        const bool is_directory = entries->is_directory(ignored);
        (is_directory ? listing.directories : listing.files).push_back(entries->path());
        entries.increment(error);
    }
    if (error) return unreadable(directory, error);
    std::sort(listing.directories.begin(), listing.directories.end());
    std::sort(listing.files.begin(), listing.files.end());
    return listing;
}

// All shards of the file, after opening each.
Result<Paths> model_of_file(const fs::path& path) {
    Paths shards = shard_paths(path);
    for (const fs::path& shard : shards) {
        const auto file = open_file(shard);
        if (file) continue;
        Error error = file.error();
        if (error.code == ErrorCode::model_not_found && shards.size() > 1) {
            error.message +=
                fmt::format("; all {} shards of the model must lie side by side", shards.size());
        }
        return fail(std::move(error));
    }
    return shards;
}

// Files of which each is a model, or the first shard of one. Projectors for pictures, which often
// lie beside the model they belong to, are none.
Paths models_in(const Listing& listing) {
    Paths models;
    for (const fs::path& file : listing.files) {
        if (file.extension() != ".gguf") continue;
        if (file.filename().native().starts_with("mmproj")) continue;
        const fs::path first = shard_paths(file).front();
        if (std::find(models.begin(), models.end(), first) == models.end()) models.push_back(first);
    }
    return models;
}

bool holds(const Listing& listing, std::string_view name) {
    return std::any_of(listing.files.begin(), listing.files.end(),
                       [&](const fs::path& file) { return file.filename() == name; });
}

Result<Paths> model_of_directory(const fs::path& directory) {
    const auto listing = list(directory);
    if (!listing) return fail(listing.error());
    const std::string name = printable_path(directory.native());
    const Paths models = models_in(*listing);
    // A download that has only the index yet says so when its files are opened.
    if (std::any_of(listing->files.begin(), listing->files.end(), is_safetensors) ||
        (models.empty() && holds(*listing, "model.safetensors.index.json"))) {
        if (holds(*listing, config_name)) return Paths{directory};
        if (models.empty()) {
            return fail(ErrorCode::model_not_found,
                        name +
                            ": the directory holds SafeTensors and no config.json; get all files "
                            "of the model, or name another directory");
        }
    }
    const fs::path usual = directory / "model.gguf";
    if (std::find(models.begin(), models.end(), usual) != models.end()) return model_of_file(usual);
    if (models.size() == 1) return model_of_file(models.front());
    if (models.empty()) {
        return fail(ErrorCode::model_not_found,
                    name +
                        ": the directory holds neither a .gguf file nor SafeTensors; name another "
                        "directory or a file");
    }
    return fail(
        ErrorCode::model_not_found,
        fmt::format("{}: the directory holds {} models; name one of the files, such as {}", name,
                    models.size(), printable_path(models.front().filename().native())));
}

// What the numbers of a SafeTensors file mean stands beside it.
Result<Paths> model_around(const fs::path& file) {
    if (auto opened = open_file(file); !opened) return fail(opened.error());
    const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path(".");
    const auto described = is_there(directory / config_name);
    if (!described) return fail(described.error());
    if (*described) return Paths{directory};
    return fail(ErrorCode::model_unsupported,
                printable_path(file.native()) +
                    ": a SafeTensors file alone is no model; name a directory that holds it beside "
                    "its config.json and tokenizer.json");
}

Result<Paths> model_at(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) return model_of_directory(path);
    return is_safetensors(path) ? model_around(path) : model_of_file(path);
}

// The newest snapshot of a model in a hub directory; nothing when the model is not there.
// Source: huggingface_hub, "Understand caching".
Result<std::optional<fs::path>> newest_snapshot(const fs::path& model) {
    const fs::path snapshots = model / "snapshots";
    const auto there = is_there(snapshots);
    if (!there) return fail(there.error());
    if (!*there) return std::nullopt;
    const auto listing = list(snapshots);
    if (!listing) return fail(listing.error());
    const auto written = [](const fs::path& path) {
        std::error_code error;
        return fs::last_write_time(path, error);
    };
    const auto newest = std::max_element(
        listing->directories.begin(), listing->directories.end(),
        [&](const fs::path& a, const fs::path& b) { return written(a) < written(b); });
    if (newest == listing->directories.end()) return std::nullopt;
    return *newest;
}

// Whether a folder joined with `id` may be outside of that folder.
bool leads_elsewhere(const fs::path& id) {
    return id.is_absolute() || std::find(id.begin(), id.end(), "..") != id.end();
}

std::string hub_name(std::string_view id) {
    if (id.starts_with("hf:")) id.remove_prefix(3);
    std::string name = "models--";
    for (const char c : id) name += c == '/' ? std::string("--") : std::string(1, c);
    return name;
}

// Looks in one place after the other and remembers where it looked.
class Search {
public:
    Search(const std::string& reference, const ModelPlaces& places)
        : reference_(reference), places_(places) {}

    Result<Paths> run() {
        for (const auto place :
             {&Search::as_path, &Search::in_catalogue, &Search::in_older_catalogue,
              &Search::in_base_directory, &Search::in_hugging_face_cache}) {
            const auto found = (this->*place)();
            if (!found) return fail(found.error());
            if (*found) return model_at(**found);
        }
        return fail(ErrorCode::model_not_found,
                    fmt::format("model \"{}\" was not found; tried: {}", printable_path(reference_),
                                fmt::join(tried_, ", ")));
    }

private:
    using Found = Result<std::optional<fs::path>>;

    Found if_there(const fs::path& path) {
        tried_.push_back(printable_path(path.native()));
        const auto there = is_there(path);
        if (!there) return fail(there.error());
        return *there ? std::optional(path) : std::nullopt;
    }

    Found as_path() { return if_there(reference_); }

    Found in_catalogue() {
        const fs::path directory = catalogue_directory(places_.home, reference_);
        const fs::path beside = directory / "model.gguf";
        tried_.push_back(printable_path((directory / "metadata.json").native()));
        const auto artifact = read_catalogue_entry(directory);
        if (!artifact) return fail(artifact.error());
        if (!*artifact) return std::nullopt;
        const Found found = if_there(**artifact);
        if (!found || *found || **artifact == beside) return found;
        return if_there(beside);
    }

    // What is wrong with it is a word beside its place: a model may be in a later one.
    Found in_older_catalogue() {
        const fs::path database = places_.home / ".rbee/models.db";
        const std::string name = printable_path(database.native());
        const auto paths = read_older_catalogue(database, reference_);
        tried_.push_back(paths ? name : fmt::format("{} ({})", name, paths.error().message));
        if (!paths) return std::nullopt;
        for (const fs::path& path : *paths) {
            const Found found = if_there(path);
            if (!found || *found) return found;
        }
        return std::nullopt;
    }

    Found in_base_directory() {
        if (!places_.model_base_dir || leads_elsewhere(reference_)) return std::nullopt;
        return if_there(*places_.model_base_dir / reference_);
    }

    Found in_hugging_face_cache() {
        const fs::path hub = places_.hf_home.value_or(places_.home / ".cache/huggingface") / "hub";
        const fs::path model = hub / hub_name(reference_);
        tried_.push_back(printable_path((model / "snapshots").native()));
        return newest_snapshot(model);
    }

    const std::string& reference_;
    const ModelPlaces& places_;
    std::vector<std::string> tried_;
};

}  // namespace

Result<Paths> resolve_model(const std::string& reference, const ModelPlaces& places) {
    if (reference.empty() || reference.find('\0') != std::string::npos) {
        return fail(ErrorCode::model_not_found,
                    "the model's name is empty or holds a zero byte; name a file, a directory or a "
                    "catalogue id");
    }
    return Search(reference, places).run();
}

}  // namespace worker
