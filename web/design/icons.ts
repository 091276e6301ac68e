/** The pictures that screens use, under the names that screens use for them. */
export {
  Archive, ArrowLeft, AtSign, Ban, Bell, BellOff, Building2, Check, CheckCheck, ChevronDown, ChevronRight, CircleAlert, CircleCheck, CircleDashed,
  CircleHelp, Clock, Code, Coffee, Copy, CornerUpLeft, Download, Ellipsis, Eye, FileText, Flag, Forward, Globe, Headset, History, Hourglass, Image,
  Import, Inbox, Info, KeyRound, Languages, Link, ListChecks, ListFilter, Lock, LogOut, Mail, MailOpen, Merge, MessageCircle, MessageSquare,
  MessageSquareText, Monitor, Moon, PanelRight, Paperclip, Pause, Pencil, Phone, Play, Plus, RefreshCw, RotateCcw, ScrollText, Search, Send, Settings,
  ShieldAlert, ShieldCheck, Smartphone, Sparkles, Split, Star, StickyNote, Sun, Tag, TextQuote, Trash2, TriangleAlert, Undo2, User, UserCheck,
  UserPlus, Users, Webhook, WifiOff, X, Zap,
} from 'lucide';
