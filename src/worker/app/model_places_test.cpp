#include "worker/app/model_places.h"

#include "worker/app/config_fixture.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

ModelPlaces places_of(std::map<std::string, std::string> variables) {
    return model_places(environment_of({.variables = std::move(variables)}));
}

TEST(ModelPlacesTest, come_from_the_environment) {
    const ModelPlaces places = places_of({{"HOME", "/homes/a"},
                                          {"RBEE_MODEL_BASE_DIR", "/models"},
                                          {"HF_HOME", "/hf"},
                                          {"XDG_CACHE_HOME", "/cache"}});
    EXPECT_EQ(places.home, "/homes/a");
    EXPECT_EQ(places.model_base_dir, "/models");
    EXPECT_EQ(places.hf_home, "/hf");
    EXPECT_EQ(places.cache(), "/cache");
}

TEST(ModelPlacesTest, the_cache_is_in_the_home_where_nothing_names_another) {
    EXPECT_EQ(places_of({{"HOME", "/homes/a"}}).cache(), "/homes/a/.cache");
    for (const auto* none : {"", "cache", "../cache"})
        EXPECT_EQ(places_of({{"HOME", "/homes/a"}, {"XDG_CACHE_HOME", none}}).cache(),
                  "/homes/a/.cache");
    EXPECT_EQ(places_of({}).home, "/");
    EXPECT_EQ(places_of({}).hf_home, std::nullopt);
}

}  // namespace
}  // namespace worker
