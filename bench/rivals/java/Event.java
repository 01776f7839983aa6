import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;

/** An event, as far as the rivals' jobs read it. */
@JsonIgnoreProperties(ignoreUnknown = true)
public class Event {
    private static final ObjectReader READER = new ObjectMapper().readerFor(Event.class);

    public String id;
    public String type;
    public String time;
    public String plan;

    @JsonProperty("customer_id")
    public String customer;

    @JsonProperty("mrr_minor")
    public long mrr;

    public boolean involuntary;
    public String status = "answered";
    public int score = -1;

    public static Event of(byte[] value) throws IOException {
        return READER.readValue(value);
    }
}
