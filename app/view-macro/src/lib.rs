//! HTML in Rust, in the way of Leptos, but for views of one type: see `view` in crate `app`.
//!
//! ```text
//! <p class="soft" class:warn=bad on:click=press>"Hello " {name}</p>
//!
//! Element::new("p").class("soft").class_if("warn", bad).on(ev::click, press).child("Hello ").child(name)
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use rstml::node::{KeyedAttribute, Node, NodeAttribute, NodeBlock, NodeElement};
use syn::{Expr, FnArg, ItemFn, Pat, PatType, Stmt, spanned::Spanned};

/// Elements, text in quotes and `{expressions}` as one `Part`.
///
/// An attribute's value is an expression; one that is a closure is followed. Special names: `class:name=on` adds a class
/// while `on` holds, `prop:name=value` sets a property of the element, `on:event=handler` listens, `node_ref=signal`
/// receives the element. `<Capitals/>` are components, `<For each=items let:item>` is a list.
#[proc_macro]
pub fn view(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let parts = rstml::parse2(input.into()).and_then(|nodes| nodes.iter().map(part).collect::<syn::Result<Vec<_>>>());
    match parts {
        Ok(parts) => match parts.as_slice() {
            [one] => quote! { crate::view::IntoPart::into_part(#one) }.into(),
            many => {
                quote! { crate::view::Part::Many(::std::vec![#(crate::view::IntoPart::into_part(#many)),*]) }.into()
            }
        },
        Err(error) => error.to_compile_error().into(),
    }
}

/// A function of the page's state that makes a part of the page: `<Item subject name="…"/>` calls `fn Item(subject, name)`.
///
/// It becomes a struct with the parameters as its fields. It reads signals without following them; closures in what it
/// returns do follow.
#[proc_macro_attribute]
pub fn component(_: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = syn::parse_macro_input!(item as ItemFn);
    let (name, inputs, output) = (&sig.ident, &sig.inputs, &sig.output);
    let fields = inputs.iter().map(|input| match input {
        FnArg::Typed(PatType { pat, ty, .. }) => match &**pat {
            Pat::Ident(field) => Ok((&field.ident, ty)),
            other => Err(syn::Error::new(other.span(), "a component's parameters are names")),
        },
        FnArg::Receiver(this) => Err(syn::Error::new(this.span(), "a component is a function")),
    });
    let (names, types): (Vec<_>, Vec<_>) = match fields.collect::<syn::Result<Vec<_>>>() {
        Ok(fields) => fields.into_iter().unzip(),
        Err(error) => return error.to_compile_error().into(),
    };
    quote! {
        #(#attrs)*
        #vis struct #name { #(#vis #names: #types),* }

        impl crate::view::IntoPart for #name {
            fn into_part(self) -> crate::view::Part {
                let Self { #(#names),* } = self;
                fn show(#inputs) #output #block
                ::leptos::prelude::untrack(move || crate::view::IntoPart::into_part(show(#(#names),*)))
            }
        }
    }
    .into()
}

/// An expression that is `IntoPart`.
fn part(node: &Node) -> syn::Result<TokenStream> {
    match node {
        Node::Element(inner) => element(inner),
        Node::Text(text) => {
            let text = &text.value;
            Ok(quote! { #text })
        }
        Node::Block(NodeBlock::ValidBlock(block)) => Ok(match block.stmts.as_slice() {
            [Stmt::Expr(expression, None)] => quote! { #expression },
            _ => quote! { #block },
        }),
        other => Err(syn::Error::new(other.span(), "an element, \"text\" or {expression} is expected")),
    }
}

fn element(element: &NodeElement<rstml::Infallible>) -> syn::Result<TokenStream> {
    let name = element.name();
    let children = element.children().iter().map(part).collect::<syn::Result<Vec<_>>>()?;
    let tag = name.to_string();
    if tag == "For" {
        return each(element, &children);
    }
    let last = tag.rsplit("::").next().unwrap_or_default();
    if last.starts_with(char::is_uppercase) {
        return component_call(element, &children);
    }
    let attributes = element.attributes().iter().map(attribute).collect::<syn::Result<Vec<_>>>()?;
    Ok(quote! { crate::view::Element::new(#tag) #(#attributes)* #(.child(#children))* })
}

/// `<Item subject name="…"/>`: `Item { subject, name: "…" }`. What is between its tags is the field `children`.
fn component_call(element: &NodeElement<rstml::Infallible>, children: &[TokenStream]) -> syn::Result<TokenStream> {
    let name = element.name();
    let fields = element.attributes().iter().map(|attribute| {
        let attribute = keyed(attribute)?;
        let field = Ident::new(&attribute.key.to_string(), attribute.key.span());
        Ok(match attribute.value() {
            Some(_) => {
                let value = value(attribute);
                quote! { #field: #value }
            }
            None => quote! { #field },
        })
    });
    let mut fields = fields.collect::<syn::Result<Vec<_>>>()?;
    match children {
        [] => {}
        [one] => fields.push(quote! { children: crate::view::IntoPart::into_part(#one) }),
        many => fields.push(
            quote! { children: crate::view::Part::Many(::std::vec![#(crate::view::IntoPart::into_part(#many)),*]) },
        ),
    }
    Ok(quote! { #name { #(#fields),* } })
}

/// `<For each=names let:name>…</For>`: a list whose items are told apart by their text.
fn each(element: &NodeElement<rstml::Infallible>, children: &[TokenStream]) -> syn::Result<TokenStream> {
    let (mut items, mut item) = (None, None);
    for attribute in element.attributes() {
        let attribute = keyed(attribute)?;
        match attribute.key.to_string().split_once(':') {
            None => items = Some(value(attribute)),
            Some((_, name)) => item = Some(Ident::new(name, attribute.key.span())),
        }
    }
    match (items, item, children) {
        (Some(items), Some(item), [child]) => Ok(quote! { crate::view::each(#items, move |#item| #child) }),
        _ => Err(syn::Error::new(element.span(), "<For each=items let:item>one child</For> is expected")),
    }
}

fn keyed(attribute: &NodeAttribute) -> syn::Result<&KeyedAttribute> {
    match attribute {
        NodeAttribute::Attribute(attribute) => Ok(attribute),
        other => Err(syn::Error::new(other.span(), "name=value is expected")),
    }
}

fn attribute(attribute: &NodeAttribute) -> syn::Result<TokenStream> {
    let attribute = keyed(attribute)?;
    let name = attribute.key.to_string();
    let value = value(attribute);
    Ok(match name.split_once(':') {
        Some(("class", name)) => quote! { .class_if(#name, #value) },
        Some(("prop", name)) => quote! { .property(#name, #value) },
        Some(("on", name)) => {
            let event = Ident::new(name, Span::call_site());
            quote! { .on(::leptos::ev::#event, #value) }
        }
        Some(_) => return Err(syn::Error::new(attribute.key.span(), "only class:, prop: and on: are known")),
        None if name == "class" => quote! { .class(#value) },
        None if name == "node_ref" => quote! { .node_ref(#value) },
        None => {
            let name = name.trim_start_matches("r#");
            quote! { .attribute(#name, #value) }
        }
    })
}

/// An attribute without a value is there.
fn value(attribute: &KeyedAttribute) -> TokenStream {
    match attribute.value() {
        Some(Expr::Block(block)) => match block.block.stmts.as_slice() {
            [Stmt::Expr(expression, None)] => quote! { #expression },
            _ => quote! { #block },
        },
        Some(value) => quote! { #value },
        None => quote! { true },
    }
}
