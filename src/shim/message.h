#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

// Messages between the engine and a shim: one datagram each on a SOCK_SEQPACKET socket, so that
// descriptors travel with the message they belong to. A message is a header and fields; a field is
// tag (u16), length (u32) and bytes, integers little-endian. A reader skips tags it does not know
// and keeps the default of those that are missing, so an engine can talk to the shims that an older
// or newer one started. Nothing here allocates more than the message is long.
namespace berth::shim {

inline constexpr std::size_t max_message_bytes = 128 * 1024;
inline constexpr std::uint16_t protocol_version = 1;

struct Header {
    std::uint16_t version = protocol_version;
    std::uint16_t type = 0;
    std::uint32_t sequence = 0;  // of the request; replies carry it back, events carry 0
};

/// Appends fields to a message.
class Encoder {
public:
    explicit Encoder(const Header& header);
    void operator()(std::uint16_t tag, const std::string& value) { put(tag, value); }
    void operator()(std::uint16_t tag, const std::vector<std::string>& values) {
        for (const std::string& value : values) put(tag, value);
    }
    template <typename T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>) void operator()(std::uint16_t tag,
                                                                         const T& value) {
        put_number(tag, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
    }
    /// A nested record, or a list of them.
    template <typename T>
    requires requires(T& record, Encoder& encoder) { record.fields(encoder); }
    void operator()(std::uint16_t tag, const T& record) {
        const std::size_t start = open(tag);
        const_cast<T&>(record).fields(*this);
        close(start);
    }
    template <typename T>
    requires requires(T& record, Encoder& encoder) { record.fields(encoder); }
    void operator()(std::uint16_t tag, const std::vector<T>& records) {
        for (const T& record : records) (*this)(tag, record);
    }
    std::string take() && { return std::move(bytes_); }

private:
    void put(std::uint16_t tag, std::string_view value);
    void put_number(std::uint16_t tag, std::uint64_t value);
    std::size_t open(std::uint16_t tag);
    void close(std::size_t start);
    std::string bytes_;
};

/// One field, cut out of a message by FieldReader.
struct Field {
    std::uint16_t tag = 0;
    std::string_view bytes;
};

/// Walks the fields of a record. Every length is checked against what is left.
class FieldReader {
public:
    explicit FieldReader(std::string_view bytes) : rest_(bytes) {}
    /// False at the end and when the rest is not a whole field; is_corrupt() tells which.
    bool next(Field& field);
    bool is_corrupt() const { return corrupt_; }

private:
    std::string_view rest_;
    bool corrupt_ = false;
};

/// Puts one field into the member of a record that has its tag.
class Decoder {
public:
    explicit Decoder(const Field& field) : field_(field) {}
    void operator()(std::uint16_t tag, std::string& value) {
        if (tag == field_.tag) value = field_.bytes;
    }
    void operator()(std::uint16_t tag, std::vector<std::string>& values) {
        if (tag == field_.tag) values.emplace_back(field_.bytes);
    }
    template <typename T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>) void operator()(std::uint16_t tag,
                                                                         T& value) {
        if (tag == field_.tag) value = static_cast<T>(number());
    }
    template <typename T>
    requires requires(T& record, Decoder& decoder) { record.fields(decoder); }
    void operator()(std::uint16_t tag, T& record) {
        if (tag == field_.tag) corrupt_ |= !read_record(field_.bytes, record);
    }
    template <typename T>
    requires requires(T& record, Decoder& decoder) { record.fields(decoder); }
    void operator()(std::uint16_t tag, std::vector<T>& records) {
        if (tag != field_.tag) return;
        corrupt_ |= !read_record(field_.bytes, records.emplace_back());
    }
    bool is_corrupt() const { return corrupt_; }

    template <typename T>
    static bool read_record(std::string_view bytes, T& record) {
        FieldReader reader(bytes);
        Field field;
        while (reader.next(field)) {
            Decoder decoder(field);
            record.fields(decoder);
            if (decoder.is_corrupt()) return false;
        }
        return !reader.is_corrupt();
    }

private:
    std::uint64_t number() const;
    const Field& field_;
    bool corrupt_ = false;
};

/// The header of a message and the bytes after it. Corrupted when it is shorter than a header.
Result<std::pair<Header, std::string_view>> parse_header(std::string_view message);

/// A whole message. `T` has `static constexpr MessageType type` and `fields()`.
template <typename T>
std::string encode(const T& message, std::uint32_t sequence = 0) {
    Encoder encoder(Header{.type = static_cast<std::uint16_t>(T::type), .sequence = sequence});
    const_cast<T&>(message).fields(encoder);
    return std::move(encoder).take();
}

template <typename T>
Result<T> decode(std::string_view body) {
    T message;
    if (!Decoder::read_record(body, message))
        return fail(ErrorCode::Corrupted, "damaged shim message");
    return message;
}

}  // namespace berth::shim
