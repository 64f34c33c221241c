//! What we ask of nft, as its JSON: a small vocabulary over the types of the crate `nftables`.

use std::{borrow::Cow, collections::HashSet, net::IpAddr};

use ipnet::IpNet;
use model::{
    observed::Rule as Observed,
    step::{NarrowRule, TableEntry},
};
use nftables::{
    batch::Batch,
    schema::{Chain, NfListObject, Rule, Table},
};
use nftables::{
    expr::{CT, Expression, Fib, FibFlag, FibResult, Meta, MetaKey, NamedExpression, Payload, PayloadField, Prefix},
    stmt::{Counter, Match, NAT, NATFamily, Operator, Statement},
    types::{NfChainPolicy, NfChainType, NfFamily, NfHook},
};
use serde_json::{Value, json};

/// Our table on the host.
const TABLE: &str = "bridgehead";
const CHAIN: &str = "postrouting";
/// `srcnat`
const PRIORITY: i32 = 100;

/// Adding before deleting makes the delete succeed whether or not the table is there; one batch is one transaction.
pub fn replace_table(entries: &[TableEntry]) -> Value {
    let table = || NfListObject::Table(Table { family: NfFamily::INet, name: TABLE.into(), ..Table::default() });
    let mut batch = Batch::new();
    batch.add(table());
    batch.delete(table());
    if !entries.is_empty() {
        batch.add(table());
        batch.add(NfListObject::Chain(Chain {
            family: NfFamily::INet,
            table: TABLE.into(),
            name: CHAIN.into(),
            _type: Some(NfChainType::NAT),
            hook: Some(NfHook::Postrouting),
            prio: Some(PRIORITY),
            policy: Some(NfChainPolicy::Accept),
            ..Chain::default()
        }));
        batch.add(our_rule(vec![equal(own_address(), word("local")), Statement::Accept(None)]));
        for entry in entries {
            batch.add(our_rule(translation(entry)));
        }
    }
    value(batch)
}

/// The rule at the head of its chain.
pub fn insert_rule(rule: &NarrowRule) -> Value {
    // As JSON values: the crate has its own idea of families as types, and of `ct state` as flags.
    let mut statements = matches(rule);
    statements.extend([json!(Statement::Counter(Counter::Anonymous(None))), json!(Statement::Accept(None))]);
    json!({"nftables": [{"insert": {"rule": {
        "family": rule.family, "table": rule.table, "chain": rule.chain,
        "comment": Observed::mark(&rule.serves), "expr": statements,
    }}}]})
}

pub fn delete_rule(rule: &NarrowRule, handle: u64) -> Value {
    json!({"nftables": [{"delete": {"rule": {
        "family": rule.family, "table": rule.table, "chain": rule.chain, "handle": handle,
    }}}]})
}

/// What a narrow rule matches, as nft prints it back.
pub fn matches(rule: &NarrowRule) -> Vec<Value> {
    let mut statements = vec![
        json!(equal(meta(MetaKey::Iifname), word(&rule.in_link))),
        json!(equal(meta(MetaKey::Oifname), word(&rule.out_link))),
    ];
    if rule.established {
        let state = NamedExpression::CT(CT { key: "state".into(), family: None, dir: None });
        let right = Expression::List(vec![word("established"), word("related")]);
        statements.push(json!(Statement::Match(Match { left: Expression::Named(state), right, op: Operator::IN })));
    }
    statements
}

fn translation(entry: &TableEntry) -> Vec<Statement<'_>> {
    let mut statements = vec![
        equal(address("saddr", entry.subnet), prefix(entry.subnet)),
        Statement::Match(Match {
            left: address("daddr", entry.subnet),
            right: prefix(entry.subnet),
            op: Operator::NEQ,
        }),
    ];
    if let Some(link) = &entry.out_link {
        statements.push(equal(meta(MetaKey::Oifname), word(link)));
    }
    statements.push(match entry.to {
        Some(to) => Statement::SNAT(Some(NAT {
            addr: Some(Expression::String(Cow::Owned(to.to_string()))),
            family: Some(if to.is_ipv4() { NATFamily::IP } else { NATFamily::IP6 }),
            port: None,
            flags: None,
        })),
        None => Statement::Masquerade(None),
    });
    statements
}

fn our_rule(statements: Vec<Statement<'_>>) -> NfListObject<'_> {
    NfListObject::Rule(Rule {
        family: NfFamily::INet,
        table: TABLE.into(),
        chain: CHAIN.into(),
        expr: statements.into(),
        ..Rule::default()
    })
}

/// `fib saddr type`
fn own_address<'a>() -> Expression<'a> {
    Expression::Named(NamedExpression::Fib(Fib { result: FibResult::Type, flags: HashSet::from([FibFlag::Saddr]) }))
}

fn address<'a>(field: &'a str, net: IpNet) -> Expression<'a> {
    let protocol = if net.addr().is_ipv4() { "ip" } else { "ip6" };
    Expression::Named(NamedExpression::Payload(Payload::PayloadField(PayloadField {
        protocol: protocol.into(),
        field: field.into(),
    })))
}

fn prefix<'a>(net: IpNet) -> Expression<'a> {
    let network: IpAddr = net.network();
    Expression::Named(NamedExpression::Prefix(Prefix {
        addr: Box::new(Expression::String(Cow::Owned(network.to_string()))),
        len: net.prefix_len().into(),
    }))
}

fn meta<'a>(key: MetaKey) -> Expression<'a> {
    Expression::Named(NamedExpression::Meta(Meta { key }))
}

fn word(text: &str) -> Expression<'_> {
    Expression::String(text.into())
}

fn equal<'a>(left: Expression<'a>, right: Expression<'a>) -> Statement<'a> {
    Statement::Match(Match { left, right, op: Operator::EQ })
}

fn value(batch: Batch<'_>) -> Value {
    json!(batch.to_nftables())
}
