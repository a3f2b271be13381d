#include "shim/message.h"

#include <cstring>

namespace berth::shim {
namespace {

constexpr std::size_t message_header_bytes = 8;
constexpr std::size_t field_header_bytes = 6;

template <typename T>
void append_integer(std::string& out, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t read_integer(std::string_view bytes, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count && i < bytes.size(); ++i) {
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    return value;
}

}  // namespace

Encoder::Encoder(const Header& header) {
    append_integer(bytes_, header.version);
    append_integer(bytes_, header.type);
    append_integer(bytes_, header.sequence);
}

void Encoder::put(std::uint16_t tag, std::string_view value) {
    append_integer(bytes_, tag);
    append_integer(bytes_, static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
}

void Encoder::put_number(std::uint16_t tag, std::uint64_t value) {
    append_integer(bytes_, tag);
    append_integer(bytes_, std::uint32_t{8});
    append_integer(bytes_, value);
}

std::size_t Encoder::open(std::uint16_t tag) {
    append_integer(bytes_, tag);
    append_integer(bytes_, std::uint32_t{0});
    return bytes_.size();
}

void Encoder::close(std::size_t start) {
    const auto length = static_cast<std::uint32_t>(bytes_.size() - start);
    for (std::size_t i = 0; i < 4; ++i)
        bytes_[start - 4 + i] = static_cast<char>(length >> (8 * i));
}

bool FieldReader::next(Field& field) {
    if (rest_.empty()) return false;
    if (rest_.size() < field_header_bytes) {
        corrupt_ = true;
        return false;
    }
    const std::uint64_t length = read_integer(rest_.substr(2), 4);
    if (length > rest_.size() - field_header_bytes) {
        corrupt_ = true;
        return false;
    }
    field.tag = static_cast<std::uint16_t>(read_integer(rest_, 2));
    field.bytes = rest_.substr(field_header_bytes, length);
    rest_.remove_prefix(field_header_bytes + length);
    return true;
}

std::uint64_t Decoder::number() const { return read_integer(field_.bytes, 8); }

Result<std::pair<Header, std::string_view>> parse_header(std::string_view message) {
    if (message.size() < message_header_bytes)
        return fail(ErrorCode::Corrupted, "shim message without a header");
    Header header;
    header.version = static_cast<std::uint16_t>(read_integer(message, 2));
    header.type = static_cast<std::uint16_t>(read_integer(message.substr(2), 2));
    header.sequence = static_cast<std::uint32_t>(read_integer(message.substr(4), 4));
    return std::pair<Header, std::string_view>(header, message.substr(message_header_bytes));
}

}  // namespace berth::shim
