/** State of a customer; `plan` is the last one. */
public class Customer {
    public boolean subscribed;
    public String plan = "none";
    public long mrr;
}
