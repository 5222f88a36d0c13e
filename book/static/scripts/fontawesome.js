// Empty: the icons of these pages come from the theme's font alone (book/_ext/page_widgets.py).
