#include "container/names.h"

#include <algorithm>
#include <array>

#include "base/random.h"
#include "base/text.h"

namespace berth::container {
namespace {

constexpr std::array adjectives{
    "able",    "agile",    "amber",   "ample",  "apt",      "astute",   "bold",    "brave",
    "bright",  "brisk",    "calm",    "candid", "careful",  "cheerful", "clear",   "clever",
    "cosy",    "crisp",    "curious", "daring", "deft",     "eager",    "earnest", "exact",
    "fair",    "fearless", "festive", "fine",   "fluent",   "fond",     "frank",   "free",
    "fresh",   "gentle",   "glad",    "golden", "graceful", "grand",    "happy",   "hardy",
    "honest",  "hopeful",  "humble",  "keen",   "kind",     "lively",   "loyal",   "lucid",
    "lucky",   "mellow",   "merry",   "mighty", "modest",   "neat",     "nimble",  "noble",
    "patient", "placid",   "plucky",  "polite", "proud",    "quick",    "quiet",   "radiant",
    "ready",   "robust",   "serene",  "sharp",  "silent",   "silver",   "sincere", "smart",
    "solid",   "spry",     "stable",  "steady", "stoic",    "sturdy",   "sunny",   "swift",
    "tender",  "tidy",     "true",    "upbeat", "valiant",  "vivid",    "warm",    "wise",
    "witty",   "zealous"};
constexpr std::array surnames{
    "abel",       "archimedes", "babbage",  "bardeen",    "bassi",      "bell",         "bernoulli",
    "blackwell",  "bohr",       "boole",    "bose",       "boyle",      "brahe",        "cannon",
    "cantor",     "carson",     "cauchy",   "cerf",       "chandra",    "chatelet",     "clarke",
    "copernicus", "cori",       "curie",    "darwin",     "davinci",    "diffie",       "dijkstra",
    "dirac",      "einstein",   "elion",    "engelbart",  "euclid",     "euler",        "faraday",
    "fermat",     "fermi",      "feynman",  "franklin",   "galileo",    "galois",       "gauss",
    "germain",    "goedel",     "goodall",  "hamilton",   "hawking",    "heisenberg",   "hertz",
    "hilbert",    "hodgkin",    "hopper",   "huygens",    "hypatia",    "jang",         "jennings",
    "joliot",     "kepler",     "khayyam",  "kirch",      "knuth",      "kovalevskaya", "lamarr",
    "lamport",    "leavitt",    "leibniz",  "liskov",     "lovelace",   "maxwell",      "mayer",
    "mccarthy",   "meitner",    "mendel",   "mirzakhani", "montalcini", "moore",        "morse",
    "napier",     "newton",     "nobel",    "noether",    "pascal",     "pasteur",      "payne",
    "perlman",    "planck",     "poincare", "ramanujan",  "ride",       "ritchie",      "rubin",
    "shannon",    "somerville", "stallman", "tesla",      "thompson",   "torvalds",     "turing",
    "volta",      "wiles",      "wilson",   "wozniak",    "wright",     "wu",           "yalow",
    "yonath"};

}  // namespace

std::string generate_name(int attempt) {
    const auto random = from_hex(random_hex(5));
    const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>((*random)[i]); };
    std::string name = concat(adjectives[(byte(0) << 8 | byte(1)) % adjectives.size()], "_",
                              surnames[(byte(2) << 8 | byte(3)) % surnames.size()]);
    if (attempt > 0) name += std::to_string(byte(4) % 10);
    return name;
}

Result<> check_name(std::string_view name) {
    const auto is_alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const bool valid =
        name.size() >= 2 && is_alphanumeric(name[0]) && std::ranges::all_of(name, [&](char c) {
            return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
        });
    if (valid) return {};
    return fail(ErrorCode::InvalidArgument, "Invalid container name (", name,
                "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
}

}  // namespace berth::container
