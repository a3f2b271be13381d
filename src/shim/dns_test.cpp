#include <gtest/gtest.h>

#include "base/text.h"
#include "shim/name_table.h"

namespace berth::shim {
namespace {

std::string query(std::string_view name, std::uint16_t type) {
    std::string out("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
    for (const std::string& label : split(name, '.')) {
        out.push_back(static_cast<char>(label.size()));
        out.append(label);
    }
    out.push_back('\0');
    out.push_back(static_cast<char>(type >> 8));
    out.push_back(static_cast<char>(type));
    out.append("\x00\x01", 2);
    return out;
}

const std::string first("\x0a\x00\x00\x02", 4), second("\x0a\x00\x00\x03", 4);

NameTable table(std::vector<std::string> servers = {"9.9.9.9"}) {
    Names names;
    names.records.push_back({.name = "DB", .addresses = {first, second}});
    names.records.push_back({.name = "db.front", .addresses = {first}, .primary = true});
    names.servers = std::move(servers);
    return NameTable(names);
}

TEST(DnsQuery, IsReadInLowerCase) {
    const std::string message = query("Web.Example", dns_type_a);
    const auto question = parse_dns_query(as_bytes(message));
    ASSERT_TRUE(question);
    EXPECT_EQ(question->name, "web.example");
    EXPECT_EQ(question->id, 0x1234);
    EXPECT_TRUE(question->recursion_desired);
    EXPECT_EQ(question->end, message.size());
}

TEST(DnsQuery, RefusesWhatIsNoPlainQuery) {
    const std::string good = query("db", dns_type_a);
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_FALSE(parse_dns_query(as_bytes(good.substr(0, length))));
    std::string response = good;
    response[2] |= '\x80';
    EXPECT_FALSE(parse_dns_query(as_bytes(response)));
    std::string pointer = good;
    pointer[12] = '\xc0';
    EXPECT_FALSE(parse_dns_query(as_bytes(pointer)));
    std::string two = good;
    two[5] = 2;
    EXPECT_FALSE(parse_dns_query(as_bytes(two)));
}

TEST(NameTable, AnswersItsNamesWithRotation) {
    NameTable names = table();
    const DnsQuestion question{.name = "db", .type = dns_type_a, .record_class = 1};
    EXPECT_EQ(names.answer(question)->addresses, (std::vector{first, second}));
    EXPECT_EQ(names.answer(question)->addresses, (std::vector{second, first}));
}

TEST(NameTable, LeavesOtherNamesToTheServers) {
    NameTable names = table();
    EXPECT_FALSE(names.answer({.name = "example.com", .type = dns_type_a, .record_class = 1}));
    NameTable internal = table({});
    EXPECT_EQ(internal.answer({.name = "example.com", .type = dns_type_a, .record_class = 1})->code,
              DnsCode::NameError);
}

TEST(NameTable, AnswersReverseQuestions) {
    NameTable names = table();
    const auto answer =
        names.answer({.name = "2.0.0.10.in-addr.arpa", .type = dns_type_ptr, .record_class = 1});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->target, "db.front");
    EXPECT_FALSE(
        names.answer({.name = "9.0.0.10.in-addr.arpa", .type = dns_type_ptr, .record_class = 1}));
}

TEST(DnsResponse, HoldsTheRecordsOfTheAskedFamily) {
    const std::string message = query("db", dns_type_a);
    const auto question = parse_dns_query(as_bytes(message));
    const std::string response =
        make_dns_response(as_bytes(message), *question, {.addresses = {first, second}}, 512);
    EXPECT_EQ(response.size(), message.size() + 2 * 16);
    EXPECT_EQ(response.substr(0, 12),
              std::string("\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00", 12));
    EXPECT_TRUE(response.ends_with(second));
    const std::string v6 = query("db", dns_type_aaaa);
    const auto v6_question = parse_dns_query(as_bytes(v6));
    EXPECT_EQ(make_dns_response(as_bytes(v6), *v6_question, {.addresses = {first}}, 512).size(),
              v6.size());
}

TEST(DnsResponse, SaysWhenItWasCutShort) {
    const std::string message = query("db", dns_type_a);
    const auto question = parse_dns_query(as_bytes(message));
    const std::vector<std::string> many(100, first);
    const std::string response =
        make_dns_response(as_bytes(message), *question, {.addresses = many}, 512);
    EXPECT_LE(response.size(), 512u);
    EXPECT_TRUE(response[2] & 0x02);
}

TEST(ReverseName, ReadsBothFamilies) {
    EXPECT_EQ(parse_reverse_name("4.3.2.1.in-addr.arpa"), std::string("\1\2\3\4"));
    std::string v6 = "1";
    for (int i = 0; i < 31; ++i) v6 += ".0";
    EXPECT_EQ(parse_reverse_name(v6 + ".ip6.arpa"), std::string(15, '\0') + "\1");
    for (const char* bad : {"3.2.1.in-addr.arpa", "4.3.2.256.in-addr.arpa", "a.b.c.d.in-addr.arpa",
                            "x.ip6.arpa", "db"}) {
        EXPECT_FALSE(parse_reverse_name(bad)) << bad;
    }
}

}  // namespace
}  // namespace berth::shim
